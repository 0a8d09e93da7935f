#!/bin/sh
# Whoever cites a document finds it: every NAME.md that a source, a test or a document names is a file of the tree, and
# every heading that stands in quotes behind the name of DESIGN.md or FORMAT.md is one of that document's.
set -eu

cd "$SEGJ_SOURCE"
failed=0
cited=$(grep -rhoE '[A-Za-z0-9_]+\.md\b' src include tests/[a-z]* examples cmake README.md --include='*.[ch]' --include='*.md' \
    --include='*.sh' --include='*.cmake' --include='*.txt' --exclude=citations.sh | LC_ALL=C sort -u)
for name in $cited; do
    if [ -z "$(find . -name "$name" -not -path './build*' | head -n 1)" ]; then
        echo "$name is cited and is not there:"
        grep -rnF "$name" src include tests examples cmake README.md || true
        failed=1
    fi
done

# A citation may be broken by the end of a line of a comment.
count=0
for document in DESIGN FORMAT; do
    find src include tests -name '*.[ch]' -exec sed -e 's,^[ /]*\*,,' {} + | tr '\n' ' ' | tr -s ' ' |
        grep -oE "$document\.md[,:]? \(?\"[^\"]+\"" | sed -E 's/^[^"]*"//; s/"$//; s/[.,]$//' | LC_ALL=C sort -u >"$SEGJ_WORK.cited"
    while read -r heading; do
        count=$((count + 1))
        grep -qxE "#+ $heading" "src/$document.md" || { echo "$document.md has no \"$heading\""; failed=1; }
    done <"$SEGJ_WORK.cited"
    rm -f "$SEGJ_WORK.cited"
done
[ "$count" -ge 10 ] || { echo "only $count headings are cited: this looks for them in the wrong way"; failed=1; }
echo "$(echo "$cited" | wc -w) documents, $count headings cited"
exit $failed
