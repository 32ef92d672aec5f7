package main

import (
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// area is code whose mutants the same tests judge.
type area struct {
	name  string
	files []string // patterns of paths from the root of the module
	tests []string // packages
	// patience is how long the tests of a mutant may take.
	patience time.Duration
	// slow are the tests that take long (as go test -run has it), and are run where the
	// others notice nothing; "": none.
	slow string
}

// slowOfRedis are the tests of the store in Redis that take seconds each.
const slowOfRedis = "TestConformance/adversarial|TestStandstill|TestFailover|TestCutOff|TestLikeMemory|TestLongDebt|TestSequentialClient|TestCommandIsTakenAway|TestGreatBatches|TestOneMissed"

// slowOfUsage are the tests of prices that replay all texts for many users.
const slowOfUsage = "TestAnAttackerDoesNotSetTheInputPrice|TestCrowdsTeach|TestManyNames|TestInputIsAccurateInAnyOrder"

// turns returns the arguments of the runs of tests that judge a mutant, in their order.
func (a *area) turns() [][]string {
	if a.slow == "" {
		return [][]string{nil}
	}
	return [][]string{{"-skip", a.slow}, {"-run", a.slow}}
}

var areas = []area{
	{"limit", []string{"internal/limit/*.go"}, []string{"./internal/limit/...", "./internal/store/memory"}, 2 * time.Minute, ""},
	{"memory", []string{"internal/store/memory/*.go"}, []string{"./internal/store/memory"}, 2 * time.Minute, ""},
	{"redis", []string{"internal/store/redis/*.go"}, []string{"./internal/store/redis"}, 5 * time.Minute, slowOfRedis},
	{"scripts", []string{"internal/store/redis/*.lua"}, []string{"./internal/store/redis"}, 5 * time.Minute, slowOfRedis},
	{"usage", []string{"internal/usage/*.go"}, []string{"./internal/usage"}, 5 * time.Minute, slowOfUsage},
	{"admission", []string{
		"internal/admission/*.go", "internal/proxy/price.go", "internal/proxy/denial.go", "internal/proxy/observe.go",
	}, []string{"./internal/admission", "./internal/proxy", "./test/books", "./test/streams"}, 5 * time.Minute, ""},
	{"identity", []string{"internal/identity/*.go", "internal/gate/*.go"}, []string{"./internal/identity", "./internal/gate"}, time.Minute, ""},
	{"jwt", []string{"internal/jwt/*.go"}, []string{"./internal/jwt"}, 2 * time.Minute, ""},
}

// paths returns the files of a, without tests.
func (a *area) paths() (paths []string, err error) {
	for _, pattern := range a.files {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return nil, err
		}
		paths = append(paths, found...)
	}
	return slices.DeleteFunc(paths, func(p string) bool { return strings.HasSuffix(p, "_test.go") }), nil
}
