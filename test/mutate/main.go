package main

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"strings"
	"time"
)

// enough is the share of mutants that has to be killed.
const enough = 0.95

func main() {
	var o options
	flag.IntVar(&o.sample, "sample", 60, "how many mutants to try, spread over the areas; 0: all")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "which sample it is")
	flag.StringVar(&o.area, "area", "", "try those of one area only: limit, memory, redis, scripts, usage, admission, identity or jwt")
	flag.StringVar(&o.file, "file", "", "try those of one file only")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := o.run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

type options struct {
	sample     int
	seed       uint64
	area, file string
}

// run tries a sample of mutants, and fails where too many of them survive.
func (o *options) run(ctx context.Context) error {
	known, err := newKnown()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mutate")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	mutants, err := o.mutants()
	if err != nil {
		return err
	}
	fmt.Printf("%d mutants, seed %d\n", len(mutants), o.seed)
	if err := sound(ctx, mutants); err != nil {
		return err
	}
	n := map[verdict]int{}
	for i := range mutants {
		m := &mutants[i]
		if reason, ok := known[m.key()]; ok {
			fmt.Printf("equivalent  %s: %s: %s\n", m.place(), m.change(), reason)
			continue
		}
		v, by, err := m.try(ctx, dir)
		if err != nil {
			return err
		}
		n[v]++
		fmt.Printf("%-11s %s: %s %s\n", v, m.place(), m.change(), by)
		if v == survived {
			fmt.Printf("            %s\n", m.key())
		}
	}
	tried := n[killed] + n[survived]
	fmt.Printf("%d of %d are killed, %d do not compile\n", n[killed], tried, n[unbuilt])
	if float64(n[killed]) < enough*float64(tried) {
		return fmt.Errorf("%d survive, more than one in %.0f: write the test that notices, or list in equivalent.txt why nobody could", n[survived], 1/(1-enough))
	}
	return nil
}

// sound fails where the tests of an area do not pass as the code is.
func sound(ctx context.Context, mutants []mutant) error {
	seen := map[*area]bool{}
	for i := range mutants {
		a := mutants[i].area
		if seen[a] {
			continue
		}
		seen[a] = true
		if out, err := test(ctx, a); err != nil {
			return fmt.Errorf("the tests of %s fail on the code as it is: %w\n%s", a.name, err, out)
		}
	}
	return nil
}

// mutants returns the sample: as many of each area, whatever its size.
func (o *options) mutants() (all []mutant, err error) {
	random := rand.New(rand.NewPCG(o.seed, 0))
	var chosen []*area
	for i := range areas {
		if o.area == "" || o.area == areas[i].name {
			chosen = append(chosen, &areas[i])
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("there is no area %q", o.area)
	}
	for _, a := range chosen {
		some, err := o.mutantsOf(a)
		if err != nil {
			return nil, err
		}
		random.Shuffle(len(some), func(i, j int) { some[i], some[j] = some[j], some[i] })
		if most := (o.sample + len(chosen) - 1) / len(chosen); o.sample > 0 && len(some) > most {
			some = some[:most]
		}
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("nothing of %q can be changed", o.file)
	}
	return all, nil
}

// mutantsOf returns all mutants of an area.
func (o *options) mutantsOf(a *area) (all []mutant, err error) {
	paths, err := a.paths()
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		if o.file != "" && path != o.file {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		some := luaMutants(a, path, text)
		if !strings.HasSuffix(path, ".lua") {
			if some, err = goMutants(a, path, text); err != nil {
				return nil, err
			}
		}
		all = append(all, some...)
	}
	return all, nil
}
