package picture

import (
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawBands draws a band for each series, coloured by its states.
func (p panel) drawBands(c draw.Canvas, all []series) {
	const axis = 18
	names := vg.Length(0)
	for _, s := range all {
		names = max(names, style(small, false, ink).Width(s.name))
	}
	names = min(names+8, width(c)/2)
	high := (height(c) - axis) / vg.Length(len(all))
	from := math.Inf(1)
	for _, s := range all {
		from = min(from, s.points[0].at)
	}
	scale := (width(c) - names) / vg.Length(max(span(all), 1))
	for i, s := range all {
		y := vg.Length(i) * high
		write(draw.Crop(c, 0, names-8-width(c), 0, 0), 0, y+high/2+4, small, false, ink, s.name)
		for _, r := range s.states() {
			text, own, _ := p.FieldConfig.Defaults.Mappings.named(strconv.FormatFloat(r.value, 'f', -1, 64))
			x, w := names+vg.Length(r.from-from)*scale, max(1, vg.Length(r.to-r.from)*scale)
			block(c, x, y+2, w, high-4, opaque(orGray(own), 0.8))
			if s := style(small, false, paper); s.Width(text) < w-6 {
				write(c, x+4, y+high/2+4, small, false, paper, text)
			}
		}
	}
	for _, tick := range (clock{every: max(1, int(90/float64(scale)))}).Ticks(from, from+span(all)) {
		if x := names + vg.Length(tick.Value-from)*scale; x < width(c)-50 {
			write(c, x, height(c)-2, small, false, pale, tick.Label)
		}
	}
}

func orGray(name string) color.Color {
	if c := colors[name]; c != nil {
		return c
	}
	return pale
}

// stay is a time for which a value stays the same.
type stay struct{ value, from, to float64 }

// states returns the stays of a series.
func (s series) states() (all []stay) {
	for i, pt := range s.points {
		if i > 0 {
			all[len(all)-1].to = pt.at
		}
		if i == 0 || pt.value != s.points[i-1].value {
			all = append(all, stay{pt.value, pt.at, pt.at})
		}
	}
	return all
}
