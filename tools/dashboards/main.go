// Command dashboards writes the dashboards that package board describes into a folder. With the
// answers of the live test of monitoring it draws pictures of them instead.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/tools/dashboards/board"
	"github.com/token-rate-limiter/token-rate-limiter/tools/dashboards/picture"
)

func main() {
	answers := flag.String("answers", "", "draw pictures, of the answers in this `file`")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: dashboards [--answers FILE] FOLDER")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	do := write
	if *answers != "" {
		do = func(folder string) error { return draw(folder, *answers) }
	}
	if err := do(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

// write writes the JSON of every dashboard.
func write(folder string) error {
	for _, b := range board.All() {
		text, err := b.JSON()
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, b.File()), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// draw draws every dashboard.
func draw(folder, file string) error {
	var answers picture.Answers
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &answers); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, b := range board.All() {
		text, err := b.JSON()
		if err != nil {
			return err
		}
		drawn, err := picture.Draw(text, answers[b.File()])
		if err != nil {
			return fmt.Errorf("%s: %w", b.File(), err)
		}
		if err := os.WriteFile(filepath.Join(folder, pictureOf(b)), drawn, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// pictureOf returns the name of a dashboard's picture.
func pictureOf(b board.Board) string { return strings.TrimSuffix(b.File(), ".json") + ".png" }
