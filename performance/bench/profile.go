package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// profiling is added to the configuration of a gateway that is profiled.
const profiling = "management: {pprof: true}\n"

// profiles are what is taken of a gateway under load, the CPU's first. %d is for
// how many seconds.
var profiles = []struct{ name, path string }{
	{"cpu", "/debug/pprof/profile?seconds=%d"},
	{"heap", "/debug/pprof/heap"},
	{"allocs", "/debug/pprof/allocs"},
}

// profile takes the profiles of those contenders that are to be profiled, under
// the load of measure, which counts for nothing else. Nothing is profiled while
// anything is measured.
func (b *bench) profile(ctx context.Context, contenders []contender, measure func(*bench, context.Context, contender) (Sample, error)) {
	long := *b
	long.plan.Window = b.plan.Profile + time.Second
	long.plan.StreamWindow = long.plan.Window
	for _, c := range contenders {
		if !c.profiled || c.skipped != "" || c.failed != "" {
			continue
		}
		fmt.Fprintf(b.progress, "profiling %s ...\n", c.name)
		loaded := make(chan error, 1)
		go func() {
			_, err := measure(&long, ctx, c)
			loaded <- err
		}()
		if err := errors.Join(b.takeProfiles(ctx, c), <-loaded); err != nil {
			fmt.Fprintf(b.progress, "profile of %s: %v\n", c.name, err) // the figures stand all the same
		}
	}
}

// takeProfiles writes the profiles of a contender into files.
func (b *bench) takeProfiles(ctx context.Context, c contender) error {
	if err := pause(ctx, b.plan.Warmup); err != nil {
		return err
	}
	for _, p := range profiles {
		path := p.path
		if p.name == "cpu" {
			path = fmt.Sprintf(path, int(b.plan.Profile.Seconds()))
		}
		file := filepath.Join(b.profiles, c.name+"-"+p.name+".pprof")
		if err := download(ctx, "http://"+c.child.Address+path, file); err != nil {
			return err
		}
	}
	return nil
}

// download writes the body of an answer into a file.
func download(ctx context.Context, url, file string) error {
	body, err := fetch(ctx, url)
	if err != nil {
		return err
	}
	return os.WriteFile(file, body, 0o644)
}
