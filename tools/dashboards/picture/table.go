package picture

import (
	"cmp"
	"image/color"
	"maps"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// cell is a place in a table.
type cell struct {
	text  string
	value float64
	ink   color.Color
}

// drawTable draws the newest values, a row for each set of labels.
func (p panel) drawTable(c draw.Canvas, all []series) {
	heads, rows := p.table(all)
	const high = 22
	x := vg.Length(0)
	for i, w := range widths(heads, rows, width(c)) {
		write(draw.Crop(c, x, x+w-6-width(c), 0, 0), 0, 14, small, true, rgb(0x3274d9), heads[i])
		for j, row := range rows {
			y := vg.Length((j + 1) * high)
			if y+high > height(c) {
				break
			}
			cell := draw.Crop(c, x, x+w-6-width(c), 0, 0)
			write(cell, 0, y+14, small, false, row[i].ink, row[i].text)
		}
		x += w
	}
	for j := range rows {
		if y := vg.Length((j + 1) * high); y+high <= height(c) {
			block(c, 0, y-2, width(c), 1, rule)
		}
	}
}

// widths shares out the room by what is in the columns.
func widths(heads []string, rows [][]cell, room vg.Length) []vg.Length {
	want, sum := make([]vg.Length, len(heads)), vg.Length(0)
	for i, h := range heads {
		want[i] = style(small, true, ink).Width(h)
		for _, row := range rows {
			want[i] = max(want[i], style(small, false, ink).Width(row[i].text))
		}
		want[i] += 16
		sum += want[i]
	}
	for i := range want {
		want[i] *= room / sum
	}
	return want
}

// table returns the heads of the columns, and the rows, as the panel's transformations make them.
func (p panel) table(all []series) (heads []string, rows [][]cell) {
	var order map[string]int
	var names map[string]string
	for _, t := range p.Transformations {
		if t.ID == "organize" {
			order, names = t.Options.IndexByName, t.Options.RenameByName
		}
	}
	fields := slices.SortedFunc(maps.Keys(order), func(a, b string) int { return cmp.Compare(order[a], order[b]) })
	byLabels := map[string][]cell{}
	for _, s := range all {
		var key strings.Builder
		for _, f := range fields {
			key.WriteString(s.labels[f] + "\x00")
		}
		row := byLabels[key.String()]
		if row == nil {
			row = make([]cell, len(fields))
			for i, f := range fields {
				row[i] = p.cell(names[f], s.labels[f])
			}
			byLabels[key.String()] = row
		}
		for i, f := range fields {
			if f == "Value" || f == "Value #"+string(rune('A'+s.query)) {
				row[i] = p.valueCell(names[f], s.last())
			}
		}
	}
	for _, f := range fields {
		heads = append(heads, names[f])
	}
	rows = slices.Collect(maps.Values(byLabels))
	by := slices.Index(heads, p.Options.SortBy[0].DisplayName)
	slices.SortFunc(rows, func(a, b []cell) int {
		if c := cmp.Or(cmp.Compare(b[by].value, a[by].value), cmp.Compare(a[by].text, b[by].text)); c != 0 {
			return c
		}
		return slices.CompareFunc(a, b, func(a, b cell) int { return cmp.Compare(a.text, b.text) })
	})
	return heads, rows
}

// cell returns that of a label.
func (p panel) cell(column, text string) cell {
	var m mappings
	p.property(column, "mappings", &m)
	if named, c, ok := m.named(text); ok {
		return cell{text: named, ink: colors[c]}
	}
	return cell{text: text, ink: ink}
}

// valueCell returns that of a value.
func (p panel) valueCell(column string, v float64) cell {
	unit, decimals := p.FieldConfig.Defaults.Unit, p.FieldConfig.Defaults.Decimals
	p.property(column, "unit", &unit)
	p.property(column, "decimals", &decimals)
	return cell{text: format(v, unit, decimals), value: v, ink: ink}
}
