package picture

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawStat draws the newest value, in the colour that it has, and how it came to be.
func (p panel) drawStat(c draw.Canvas, all []series) {
	d := p.FieldConfig.Defaults
	value, ink := d.NoValue, color.Color(pale)
	if len(all) > 0 {
		v := all[0].last()
		value, ink = format(v, d.Unit, d.Decimals), d.colorOf(v)
		if text, own, ok := d.Mappings.named(strconv.FormatFloat(v, 'f', -1, 64)); ok {
			value, ink = text, colors[own]
		}
	}
	label := color.Color(rgb(0x24292e))
	if p.Options.ColorMode == "background" {
		fill(c, ink)
		ink, label = paper, paper
	}
	if p.Options.GraphMode == "area" && len(all) > 0 {
		sparkline(c, all[0], ink)
	}
	write(c, padding, title-6, small, true, label, p.Title)
	size := 26.0
	for s := style(size, true, ink); s.Width(value) > width(c)-2*padding && size > 12; s = style(size, true, ink) {
		size--
	}
	s := style(size, true, ink)
	write(c, max(padding, (width(c)-s.Width(value))/2), height(c)/2+18, size, true, ink, value)
}

// sparkline draws a series along the bottom.
func sparkline(c draw.Canvas, s series, ink color.Color) {
	highest, lowest := s.points[0].value, 0.0
	for _, pt := range s.points {
		highest = max(highest, pt.value)
	}
	if highest == lowest || len(s.points) < 2 {
		return
	}
	from, to, high := s.points[0].at, s.points[len(s.points)-1].at, float64(height(c))*0.35
	var top plotter.XYs
	for _, pt := range s.points {
		top = append(top, plotter.XY{X: (pt.at - from) / (to - from) * float64(width(c)), Y: (pt.value - lowest) / (highest - lowest) * high})
	}
	area := []vg.Point{c.Min}
	for _, pt := range top {
		area = append(area, vg.Point{X: c.Min.X + vg.Length(pt.X), Y: c.Min.Y + vg.Length(pt.Y)})
	}
	c.FillPolygon(opaque(ink, 0.2), append(area, vg.Point{X: c.Max.X, Y: c.Min.Y}))
	c.StrokeLines(draw.LineStyle{Color: ink, Width: 1}, area[1:])
}
