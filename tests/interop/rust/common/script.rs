//! Scripts: a header line, operations a line each, and `end`.

/// What a script's journal is like. Sizes in bytes.
pub struct Setting {
    pub id: String,
    pub entry: usize,
    /// None: Vec<u8>; otherwise an array of that size.
    pub value: Option<usize>,
    pub page: u16,
    pub cache: usize,
    pub index_buffer: usize,
    pub value_buffer: usize,
    pub zstd: Option<u8>,
    /// As an archive, with a partition that counts what was synced.
    pub counts: bool,
    /// Every section that the script may touch: the crate tells of the oldest and newest only.
    pub sections: Vec<u64>,
}

pub enum Operation {
    Open,
    /// Opens what there is up to so many records of the section; what follows goes.
    OpenAt {
        section: u64,
        records: u64,
    },
    /// Opens the state in which the section had so many records, and no later one was there.
    OpenCheckpoint {
        section: u64,
        records: u64,
    },
    Close,
    Abandon,
    Destroy,
    Append {
        section: u64,
        number: u64,
        size: usize,
    },
    Sync(u64),
    SyncAll,
    Prune(u64),
    Rewind {
        section: u64,
        records: u64,
    },
    RewindSection {
        section: u64,
        records: u64,
    },
    Replay {
        section: u64,
        position: u64,
    },
    Value {
        section: u64,
        offset: u64,
        size: u32,
    },
    Dump,
}

pub struct Script {
    pub setting: Setting,
    /// The line as it stands, and what it means.
    pub operations: Vec<(String, Operation)>,
}

/// The words of a line, taken one after the other.
struct Words<'a> {
    line: &'a str,
    rest: std::str::SplitWhitespace<'a>,
}

impl<'a> Words<'a> {
    fn new(line: &'a str) -> Self {
        Self { line, rest: line.split_whitespace() }
    }

    fn word(&mut self) -> Result<&'a str, String> {
        self.rest.next().ok_or_else(|| format!("a word is missing in: {}", self.line))
    }

    fn number<T: std::str::FromStr>(&mut self) -> Result<T, String> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("{word} is no number that fits in: {}", self.line))
    }

    fn named<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, String> {
        match self.word()? {
            word if word == name => self.number(),
            word => Err(format!("{word} where {name} was expected in: {}", self.line)),
        }
    }
}

pub fn parse(text: &str) -> Result<Vec<Script>, String> {
    let mut scripts = Vec::new();
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    while let Some(line) = lines.next() {
        let setting = setting(line)?;
        let mut operations = Vec::new();
        loop {
            let line = lines.next().ok_or("the last script has no end")?;
            if line == "end" {
                break;
            }
            operations.push((line.to_string(), operation(line)?));
        }
        scripts.push(Script { setting, operations });
    }
    Ok(scripts)
}

/// script ID entry N value var|N page N cache N index N values N zstd N header N hole N counts N sections N...
fn setting(line: &str) -> Result<Setting, String> {
    let mut words = Words::new(line);
    let id = words.named("script")?;
    let entry = words.named("entry")?;
    let value: String = words.named("value")?;
    let page = words.named("page")?;
    let cache = words.named("cache")?;
    let index_buffer = words.named("index")?;
    let value_buffer = words.named("values")?;
    let zstd = words.named("zstd")?;
    words.named::<u16>("header")?; // the program's layouts say it
    words.named::<u16>("hole")?; // a release has its own way
    let counts = words.named::<u16>("counts")? != 0;
    let mut sections = vec![words.named("sections")?];
    for word in words.rest {
        sections.push(word.parse().map_err(|_| format!("{word} is no section in: {line}"))?);
    }
    Ok(Setting {
        id,
        entry,
        value: value.parse().ok(),
        page,
        cache,
        index_buffer,
        value_buffer,
        zstd: (zstd > 0).then_some(zstd),
        counts,
        sections,
    })
}

fn operation(line: &str) -> Result<Operation, String> {
    let mut words = Words::new(line);
    Ok(match words.word()? {
        "open" => Operation::Open,
        "open_at" => Operation::OpenAt { section: words.number()?, records: words.number()? },
        "open_checkpoint" => Operation::OpenCheckpoint { section: words.number()?, records: words.number()? },
        "close" => Operation::Close,
        "abandon" => Operation::Abandon,
        "destroy" => Operation::Destroy,
        "append" => Operation::Append { section: words.number()?, number: words.number()?, size: words.number()? },
        "sync" => Operation::Sync(words.number()?),
        "sync_all" => Operation::SyncAll,
        "prune" => Operation::Prune(words.number()?),
        "rewind" => Operation::Rewind { section: words.number()?, records: words.number()? },
        "rewind_section" => Operation::RewindSection { section: words.number()?, records: words.number()? },
        "replay" => Operation::Replay { section: words.number()?, position: words.number()? },
        "value" => Operation::Value { section: words.number()?, offset: words.number()?, size: words.number()? },
        "dump" => Operation::Dump,
        word => return Err(format!("{word} is no operation in: {line}")),
    })
}
