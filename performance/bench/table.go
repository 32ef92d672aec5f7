package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"
)

var tableHead = []string{"path", "budget", "aim", "measured (min-max)", "p50", "p99", "verdict"}

// writeTable writes the rows as a Markdown table whose columns are aligned,
// so that it can be read as it is.
func writeTable(w io.Writer, rows []Row) error {
	lines := [][]string{tableHead}
	for _, r := range rows {
		lines = append(lines, r.cells())
	}
	widths := columnWidths(lines)
	for i, line := range lines {
		if err := writeLine(w, line, widths); err != nil {
			return err
		}
		if i > 0 {
			continue
		}
		if err := writeRule(w, widths); err != nil {
			return err
		}
	}
	return nil
}

func columnWidths(lines [][]string) []int {
	widths := make([]int, len(lines[0]))
	for _, line := range lines {
		for i, cell := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	return widths
}

func writeLine(w io.Writer, cells []string, widths []int) error {
	var b strings.Builder
	for i, cell := range cells {
		fmt.Fprintf(&b, "| %-*s ", widths[i], cell)
	}
	_, err := fmt.Fprintln(w, b.String()+"|")
	return err
}

func writeRule(w io.Writer, widths []int) error {
	var b strings.Builder
	for _, width := range widths {
		b.WriteString("|" + strings.Repeat("-", width+2))
	}
	_, err := fmt.Fprintln(w, b.String()+"|")
	return err
}

// cells returns the row as it is printed, a cell per column.
func (r Row) cells() []string {
	verdict := r.Verdict()
	cells := []string{r.Path, "", "", "", "", "", verdict}
	if r.Bound != nil {
		cells[1], cells[2] = r.Bound.cells(r.Unit)
	}
	if verdict != verdictFailed && verdict != verdictSkipped {
		cells[3] = r.cell()
		cells[4], cells[5] = duration(r.Latency.P50), duration(r.Latency.P99)
	}
	return cells
}

// note says why there is no figure, or else what there is to say about it; ""
// where that is nothing.
func (r Row) note() string { return cmp.Or(r.Failed, r.Skipped, r.Note) }

// writeNotes lists what there is to say about rows.
func writeNotes(w io.Writer, rows []Row) error {
	for _, r := range rows {
		if r.note() == "" {
			continue
		}
		if _, err := fmt.Fprintf(w, "\n- %s: %s", r.Path, strings.Join(strings.Fields(r.note()), " ")); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}

func (b Bound) cells(unit string) (budget, aim string) {
	sign := "<= "
	if b.AtLeast {
		sign = ">= "
	}
	return sign + withUnit(b.Budget, unit), withUnit(b.Aim, unit)
}

// cell shows the figure that counts and, if they differ, the others.
func (r Row) cell() string {
	s := r.Value
	cell := withUnit(r.judged(), r.Unit)
	switch {
	case s.Min == s.Max:
		return cell
	case r.Least:
		return fmt.Sprintf("%s (median %s, most %s)", cell, figure(s.Median), figure(s.Max))
	}
	return fmt.Sprintf("%s (%s-%s)", cell, figure(s.Min), figure(s.Max))
}

// withUnit adds the unit, where a figure has one that its path does not name.
func withUnit(v float64, unit string) string {
	switch unit {
	case "ratio", "allocations", "/s":
		return figure(v)
	}
	return figure(v) + " " + unit
}

// figure shows three digits, and all of those before the point.
func figure(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

// duration shows a latency; nothing if there is none.
func duration(d time.Duration) string {
	switch {
	case d == 0:
		return ""
	case d < time.Millisecond:
		return fmt.Sprintf("%.0f us", float64(d.Nanoseconds())/1e3)
	}
	return fmt.Sprintf("%.1f ms", float64(d.Nanoseconds())/1e6)
}
