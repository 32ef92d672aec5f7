package main

import (
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// changes lists what mutants do.
func changes(mutants []mutant) (list []string) {
	for i := range mutants {
		list = append(list, mutants[i].change())
	}
	return list
}

// TestMutants: operators are swapped and statements dropped, in code and nowhere else.
func TestMutants(t *testing.T) {
	const goText = `package p

import "a"

const n = 1 + 2 // n < 3

func f(x int) bool {
	x++
	g("x + 1")
	return !(x < 3)
}
`
	const luaText = `-- a < b, not more
local function f(a)
  add(a, 'x == y')
  if not a.b and a.c ~= 1 then return max(a.c - 1, -1, ARGV[1] + 0) end
end
`
	got, err := goMutants(&areas[0], "p.go", []byte(goText))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{`"--" for "++"`, `without "g(\"x + 1\")"`, `without "!"`, `"<=" for "<"`, `">=" for "<"`}, changes(got)); diff != "" {
		t.Errorf("in Go (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{`"or" for "and"`, `"==" for "~="`, `"min" for "max"`, `" + " for "-"`, `without "not"`, `without "add(a, 'x == y')"`},
		changes(luaMutants(&areas[0], "p.lua", []byte(luaText)))); diff != "" {
		t.Errorf("in Lua (-want +got):\n%s", diff)
	}
}

// TestSampleOfMutants: a seed is a sample of every area, and what is listed as equivalent
// is there still.
func TestSampleOfMutants(t *testing.T) {
	if err := os.Chdir("../.."); err != nil {
		t.Fatal(err)
	}
	o := options{sample: 60, seed: 7}
	first, err := o.mutants()
	if err != nil {
		t.Fatal(err)
	}
	again, _ := o.mutants()
	if n := len(first); n < 60 || n >= 60+len(areas) || !slices.Equal(changes(first), changes(again)) {
		t.Errorf("a sample of 60 has %d mutants, and the same ones: %v", len(first), slices.Equal(changes(first), changes(again)))
	}
	seen := map[string]bool{}
	all, err := (&options{}).mutants()
	if err != nil {
		t.Fatal(err)
	}
	for i := range all {
		seen[all[i].key()] = true
	}
	known, err := newKnown()
	if err != nil {
		t.Fatal(err)
	}
	for key := range known {
		if !seen[key] {
			t.Errorf("equivalent.txt has %q, which is no mutant any more", key)
		}
	}
	t.Logf("%d mutants, of which %d are known to be equivalent", len(all), len(known))
}
