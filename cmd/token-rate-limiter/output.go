package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"

	"github.com/token-rate-limiter/token-rate-limiter/internal/registry"
)

// outputFlags say in which form a list is printed.
type outputFlags struct {
	Output string `short:"o" enum:"table,json,yaml" default:"table" help:"${output}"`
}

// isTable reports whether the list is for people.
func (f outputFlags) isTable() bool { return f.Output == "table" }

// print prints a list that is for programs, with the members that the API gives to its items.
func (f outputFlags) print(list any) error {
	text, err := json.Marshal(list, jsontext.WithIndent("  "))
	if err != nil {
		return err
	}
	if f.Output == "yaml" {
		if text, err = yaml.JSONToYAML(text); err != nil {
			return err
		}
	}
	_, err = os.Stdout.WriteString(strings.TrimSuffix(string(text), "\n") + "\n")
	return err
}

// listPage is how many of a list are read at once.
const listPage = 500

// everyOne returns all objects that q chooses, page after page, as they are shown.
func everyOne[T, S any](
	ctx context.Context, objects registry.Objects[T], q registry.ObjectQuery, show func(*T) S,
) ([]S, error) {
	list := []S{}
	for {
		p, err := objects.List(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range p.Objects {
			list = append(list, show(&p.Objects[i]))
		}
		if p.Next == "" {
			return list, nil
		}
		q.After = p.Next
	}
}

// printObjects prints a list in the form that is asked for: as a table with a head and rows.
func printObjects[S any](f outputFlags, list []S, head string, row func(*S) string) error {
	if !f.isTable() {
		return f.print(list)
	}
	t := newTable()
	fmt.Fprintln(t, head)
	for i := range list {
		fmt.Fprintln(t, row(&list[i]))
	}
	return t.Flush()
}

// newTable returns what lines up the columns of a list.
func newTable() *tabwriter.Writer { return tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0) }
