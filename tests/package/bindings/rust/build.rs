// Binds the header that SEGJ_PREFIX has, and links its library with what SEGJ_LINK says.
use std::{env, path::PathBuf};

fn main() {
    let prefix = PathBuf::from(env::var("SEGJ_PREFIX").expect("SEGJ_PREFIX"));
    let library = PathBuf::from(env::var("SEGJ_LIBRARY_DIRECTORY").expect("SEGJ_LIBRARY_DIRECTORY"));
    let header = prefix.join("include/segjournal/oversized.h");
    bindgen::Builder::default()
        .header(header.to_str().expect("a path in UTF-8"))
        .clang_arg(format!("-I{}", prefix.join("include").display()))
        .allowlist_function("oversized_.*|segj_.*")
        .allowlist_var("OVERSIZED_.*|SEGJ_.*")
        .prepend_enum_name(false)
        .layout_tests(false)
        .generate()
        .expect("bindings of oversized.h")
        .write_to_file(PathBuf::from(env::var("OUT_DIR").expect("OUT_DIR")).join("bindings.rs"))
        .expect("a file of bindings");
    println!("cargo:rustc-link-search=native={}", library.display());
    println!("cargo:rustc-link-lib=static=segjournal");
    for word in env::var("SEGJ_LINK").expect("SEGJ_LINK").split_whitespace() {
        if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib=dylib={name}");
        }
    }
    println!("cargo:rerun-if-changed={}", prefix.join("include/segjournal").display());
    println!("cargo:rerun-if-changed={}", library.join("libsegjournal.a").display());
    for name in ["SEGJ_PREFIX", "SEGJ_LIBRARY_DIRECTORY", "SEGJ_LINK"] {
        println!("cargo:rerun-if-env-changed={name}");
    }
}
