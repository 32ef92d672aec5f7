// Command mutate changes the code of limits, stores, prices and settlement in one place
// at a time, as a mistake would, and has the tests run: a change that no test notices is
// a hole in the tests.
//
//	go run ./test/mutate --sample 60 --seed 7
//	go run ./test/mutate --area limit --sample 0        # all of them
//	go run ./test/mutate --file internal/limit/fit.go --sample 0
//
// It takes a sample, for all mutants of all areas take a day, and the same one for the same
// seed. Scripts in Lua are changed like code in Go, which tools that are made for Go do not.
// Nothing of the tree is written: the changed file is laid over it (go build -overlay).
//
// A mutant is killed when a test fails, or does not end; one that does not compile counts
// for nothing. Tests that take long are run where the others notice nothing. What changes
// nothing that anybody could see is listed in equivalent.txt, with the reason. The command
// fails where fewer than 95 % of the others are killed.
package main
