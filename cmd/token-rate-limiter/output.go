package main

import (
	"os"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/goccy/go-yaml"
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

// newTable returns what lines up the columns of a list.
func newTable() *tabwriter.Writer { return tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0) }
