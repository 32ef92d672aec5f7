package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
)

const noGateway = "run without a gateway"

// bench is one run: where things are, how much is measured, and the processes
// that are running for it.
type bench struct {
	root      string   // of the module
	directory string   // temporary, for binaries, configurations and outputs
	binary    string   // the gateway; "" measures the harness alone
	others    []string // further binaries of the gateway, compared with it
	profiles  string   // where profiles go; "" for none
	plan      plan
	progress  io.Writer

	children []*Child
}

// scenario is a part of a run that has its own processes.
type scenario struct {
	name string
	run  func(*bench, context.Context) (Section, error)
}

var scenarios = []scenario{
	{"requests", (*bench).requests},
	{"streaming", (*bench).streaming},
	{"memory", (*bench).memory},
	{"micro", (*bench).micro},
	{"soak", (*bench).soak},
}

// run runs the named scenarios, in their own order, into a report.
func (b *bench) run(ctx context.Context, names []string, report *Report) error {
	for _, s := range scenarios {
		if !slices.Contains(names, s.name) {
			continue
		}
		fmt.Fprintf(b.progress, "measuring %s ...\n", s.name)
		section, err := s.run(b, ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		report.Sections = append(report.Sections, section)
	}
	return nil
}

// start starts a child that stopAll ends.
func (b *bench) start(ctx context.Context, name, address string, ready func(context.Context) error, command ...string) (*Child, error) {
	c, err := startChild(ctx, b.directory, name, address, ready, command...)
	if err == nil {
		b.children = append(b.children, c)
	}
	return c, err
}

// stopAll ends the children, the last one first, and clears away what they
// wrote.
func (b *bench) stopAll() {
	for _, c := range slices.Backward(b.children) {
		c.Stop()
		_ = os.Remove(c.output)
	}
	b.children = nil
}

// contendGateway starts the gateway as a contender, on Redis if that is not
// nil.
func (b *bench) contendGateway(ctx context.Context, name, upstream string, redis *Child) (contender, error) {
	if b.binary == "" {
		return contender{name: name, skipped: noGateway}, nil
	}
	child, err := b.startGateway(ctx, name, b.binary, upstream, redis)
	return contender{name: name, child: child, store: redis, gateway: true, profiled: b.profiles != ""}, err
}

// contendOthers makes the other binaries contenders, on the memory store.
func (b *bench) contendOthers(ctx context.Context, name, upstream string) ([]contender, error) {
	var all []contender
	for i, binary := range b.others {
		each := fmt.Sprintf("%s-%d", name, i+1)
		child, err := b.startGateway(ctx, each, binary, upstream, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, contender{name: each, child: child, gateway: true})
	}
	return all, nil
}

// otherRows compares what the other binaries spent with what the gateway did.
func (b *bench) otherRows(what string, others []Series, gateway Series) []Row {
	var rows []Row
	for i, s := range others {
		rows = append(rows, ratioRow(fmt.Sprintf("%s: %s / this gateway", what, b.others[i]), s, gateway, nil))
	}
	return rows
}

// contendNginx makes nginx a contender, where it is installed.
func contendNginx(child *Child) contender {
	if child == nil {
		return contender{name: nginxName, skipped: nginxMissing}
	}
	return contender{name: nginxName, child: child}
}
