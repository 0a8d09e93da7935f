module segjournal.test/bindings

go 1.18
