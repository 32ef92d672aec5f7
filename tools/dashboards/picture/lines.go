package picture

import (
	"hash/crc32"
	"image/color"
	"math"
	"slices"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawLines draws lines over time, or areas that stand on each other, and what they are called.
func (p panel) drawLines(c draw.Canvas, all []series) {
	d := p.FieldConfig.Defaults
	inks := p.inks(all)
	plots := newPlot(c, all, d)
	if d.Custom.Stacking.Mode == "normal" {
		addStack(plots, all, inks)
	} else {
		addLines(plots, all, inks)
	}
	scale(plots, d)
	addThresholds(plots, d)
	legend := drawLegend(c, all, inks)
	plots.Draw(draw.Crop(c, 0, 0, legend, -4))
}

// inks returns the colours of series: their own, or those of the palette that their names lead to,
// so that a model has the same colour everywhere, unless another one of the panel has it.
func (p panel) inks(all []series) []color.Color {
	inks, taken := make([]color.Color, len(all)), map[int]bool{}
	for i, s := range all {
		var own struct{ FixedColor string }
		if p.property(s.name, "color", &own) {
			inks[i] = colors[own.FixedColor]
			continue
		}
		at := int(crc32.ChecksumIEEE([]byte(s.name))) % len(palette)
		for tries := 0; taken[at] && tries < len(palette); tries++ {
			at = (at + 1) % len(palette)
		}
		taken[at], inks[i] = true, palette[at]
	}
	return inks
}

// newPlot returns an empty plot over the time of the series.
func newPlot(c draw.Canvas, all []series, d defaults) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = paper
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		axis.Color, axis.Tick.Length, axis.Tick.Color = rule, 0, rule
		label := style(small, false, pale)
		label.XAlign, label.YAlign = axis.Tick.Label.XAlign, axis.Tick.Label.YAlign
		axis.Tick.Label = label
	}
	p.X.Tick.Marker = clock{every: max(1, int(math.Ceil(90*span(all)/float64(width(c)))))}
	p.Y.Tick.Marker = unit{d}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = rule, rule
	p.Add(grid)
	return p
}

func addLines(p *plot.Plot, all []series, inks []color.Color) {
	for i, s := range all {
		for _, run := range s.runs() {
			l, err := plotter.NewLine(run)
			if err != nil {
				continue // one that is empty
			}
			l.Color, l.Width = inks[i], 1.3
			p.Add(l)
		}
	}
}

// runs returns the parts of a series between gaps.
func (s series) runs() (all []plotter.XYs) {
	step := math.Inf(1)
	for i := 1; i < len(s.points); i++ {
		step = min(step, s.points[i].at-s.points[i-1].at)
	}
	var run plotter.XYs
	for i, pt := range s.points {
		if i > 0 && pt.at-s.points[i-1].at > 1.5*step {
			all, run = append(all, run), nil
		}
		run = append(run, plotter.XY{X: pt.at, Y: pt.value})
	}
	return append(all, run)
}

// addStack adds areas that stand on each other, of which the highest is drawn first.
func addStack(p *plot.Plot, all []series, inks []color.Color) {
	sums := map[float64]float64{} // so far, at each time
	var ats []float64
	for _, s := range all {
		for _, pt := range s.points {
			if _, known := sums[pt.at]; !known {
				sums[pt.at] = 0
				ats = append(ats, pt.at)
			}
		}
	}
	slices.Sort(ats)
	var layers []plotter.XYs
	for _, s := range all {
		for _, pt := range s.points {
			sums[pt.at] += pt.value
		}
		layer := make(plotter.XYs, len(ats))
		for i, at := range ats {
			layer[i] = plotter.XY{X: at, Y: sums[at]}
		}
		layers = append(layers, layer)
	}
	for i := len(layers) - 1; i >= 0; i-- {
		line, err := plotter.NewLine(layers[i])
		if err != nil {
			continue // one that is empty
		}
		line.Color, line.Width, line.FillColor = inks[i], 1, opaque(inks[i], 0.45)
		p.Add(line)
	}
}

// scale sets how high a plot is.
func scale(p *plot.Plot, d defaults) {
	if d.Min != nil {
		p.Y.Min = *d.Min
	}
	for _, at := range []*float64{d.Custom.AxisSoftMax, d.Max} {
		if at != nil {
			p.Y.Max = max(p.Y.Max, *at)
		}
	}
	if p.Y.Max <= p.Y.Min {
		p.Y.Max = p.Y.Min + 1
	}
	p.Y.Max += (p.Y.Max - p.Y.Min) * 0.05
}

// addThresholds draws those that lie within the plot.
func addThresholds(p *plot.Plot, d defaults) {
	if d.Custom.ThresholdsStyle.Mode == "" {
		return
	}
	for _, s := range d.Thresholds.Steps {
		if s.Value == nil || *s.Value > p.Y.Max || *s.Value < p.Y.Min {
			continue
		}
		line, err := plotter.NewLine(plotter.XYs{{X: p.X.Min, Y: *s.Value}, {X: p.X.Max, Y: *s.Value}})
		if err != nil {
			continue // of no length
		}
		line.Color, line.Width, line.Dashes = colors[s.Color], 1.2, []vg.Length{6, 4}
		p.Add(line)
	}
}

// drawLegend writes the names of the series below, and returns how much room they take.
func drawLegend(c draw.Canvas, all []series, inks []color.Color) vg.Length {
	const height, most = 15, 3
	s := style(small, false, ink)
	type entry struct {
		x    vg.Length
		line int
	}
	var places []entry
	x, line := vg.Length(0), 0
	for _, one := range all {
		w := min(s.Width(one.name)+24, width(c))
		if x > 0 && x+w > width(c) {
			x, line = 0, line+1
		}
		places = append(places, entry{x, line})
		x += w
	}
	lines := min(line+1, most)
	bottom := draw.Crop(c, 0, 0, 0, vg.Length(lines*height)-(c.Max.Y-c.Min.Y))
	for i, at := range places {
		if at.line >= most {
			break
		}
		y := vg.Length(at.line*height) + 12
		block(bottom, at.x, y-6, 10, 3, inks[i])
		write(bottom, at.x+14, y, small, false, ink, all[i].name)
	}
	return vg.Length(lines*height) + 4
}

// span is how many seconds the series last.
func span(all []series) float64 {
	from, to := math.Inf(1), math.Inf(-1)
	for _, s := range all {
		from, to = min(from, s.points[0].at), max(to, s.points[len(s.points)-1].at)
	}
	return to - from
}

// clock marks times, at least so many seconds apart.
type clock struct{ every int }

// Ticks implements plot.Ticker.
func (c clock) Ticks(from, to float64) (ticks []plot.Tick) {
	every := float64(c.every)
	for _, nice := range []float64{5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600} {
		if nice >= every {
			every = nice
			break
		}
	}
	for at := math.Ceil(from/every) * every; at <= to; at += every {
		ticks = append(ticks, plot.Tick{Value: at, Label: time.Unix(int64(at), 0).UTC().Format("15:04:05")})
	}
	return ticks
}

// unit marks values in the unit of a panel.
type unit struct{ of defaults }

// Ticks implements plot.Ticker.
func (u unit) Ticks(from, to float64) (ticks []plot.Tick) {
	step := math.Pow(10, math.Floor(math.Log10((to-from)/4)))
	if u.of.Unit == "bytes" {
		step = math.Pow(2, math.Floor(math.Log2((to-from)/4)))
	}
	for _, times := range []float64{1, 2, 2.5, 5, 10} {
		if (to-from)/(step*times) <= 5 {
			step *= times
			break
		}
	}
	for at := math.Ceil(from/step) * step; at <= to; at += step {
		ticks = append(ticks, plot.Tick{Value: at, Label: format(math.Round(at/step)*step, u.of.Unit, nil)})
	}
	return ticks
}
