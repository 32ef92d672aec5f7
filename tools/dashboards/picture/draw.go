package picture

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Measures in pixels. Grafana's grid has 24 columns.
const (
	column  = 50
	line    = 32 // a unit of height
	gap     = 6  // between panels
	padding = 8  // inside of them
	head    = 44 // the dashboard's title
	title   = 22 // a panel's
	small   = 11 // size of letters
)

var (
	background = rgb(0xf1f3f5)
	paper      = rgb(0xffffff)
	ink        = rgb(0x24292e)
	pale       = rgb(0x6e7780)
	rule       = rgb(0xe3e6e9)
)

// Draw returns the PNG of a dashboard, of which text is the JSON, with what was answered to its
// panels, by their ids. A panel without an answer shows that it has none.
func Draw(text []byte, answers map[int][]Answer) ([]byte, error) {
	var d dashboard
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, err
	}
	height := 0.0
	for _, p := range d.Panels {
		height = max(height, p.GridPos.Y+p.GridPos.H)
	}
	w, h := vg.Length(24*column+gap), vg.Length(head+height*line+gap)
	canvas := vgimg.NewWith(vgimg.UseWH(w, h), vgimg.UseDPI(72), vgimg.UseBackgroundColor(background))
	sheet := draw.New(canvas)
	write(sheet, gap+padding, head-14, 20, true, ink, d.Title)
	for _, p := range d.Panels {
		at := draw.Crop(sheet, vg.Length(p.GridPos.X*column+gap), vg.Length((p.GridPos.X+p.GridPos.W)*column)-w,
			h-vg.Length(head+(p.GridPos.Y+p.GridPos.H)*line), -vg.Length(head+p.GridPos.Y*line+gap))
		if err := p.draw(at, answers[p.ID]); err != nil {
			return nil, fmt.Errorf("panel %d (%s): %w", p.ID, p.Title, err)
		}
	}
	drawn, err := encoded(canvas.Image())
	if err != nil {
		return nil, err
	}
	return seal(drawn, d), nil
}

// draw draws a panel into its place.
func (p panel) draw(c draw.Canvas, answers []Answer) error {
	if p.Type == "row" {
		write(c, padding, height(c)-8, 14, true, ink, p.Title)
		return nil
	}
	fill(c, paper)
	series, err := all(answers)
	if err != nil {
		return err
	}
	if p.Type == "stat" {
		p.drawStat(c, series)
		return nil
	}
	write(c, padding, title-6, 12, true, ink, p.Title)
	body := draw.Crop(c, padding, -padding, padding, -title)
	switch {
	case p.Type == "text":
		p.drawWords(body)
	case len(series) == 0:
		centered(body, 14, pale, "No data")
	case p.Type == "timeseries":
		p.drawLines(body, series)
	case p.Type == "state-timeline":
		p.drawBands(body, series)
	case p.Type == "table":
		p.drawTable(body, series)
	default:
		return fmt.Errorf("nobody draws panels of type %q", p.Type)
	}
	return nil
}

// encoded returns an image as PNG of the 256 colours that it has most of, which is small. The rest,
// at the edges of letters, becomes the nearest of them.
func encoded(img image.Image) ([]byte, error) {
	bounds, count := img.Bounds(), map[color.Color]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			count[img.At(x, y)]++
		}
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b color.Color) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	few, index := image.NewPaletted(bounds, most[:min(256, len(most))]), map[color.Color]uint8{}
	for c := range count {
		index[c] = uint8(few.Palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			few.SetColorIndex(x, y, index[img.At(x, y)])
		}
	}
	var b bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, few)
	return b.Bytes(), err
}

// width and height are those of a canvas.
func width(c draw.Canvas) vg.Length  { return c.Max.X - c.Min.X }
func height(c draw.Canvas) vg.Length { return c.Max.Y - c.Min.Y }

// fill colours the whole of a canvas.
func fill(c draw.Canvas, with color.Color) {
	c.FillPolygon(with, []vg.Point{c.Min, {X: c.Max.X, Y: c.Min.Y}, c.Max, {X: c.Min.X, Y: c.Max.Y}})
}

// block colours a part of a canvas; x and y are those of its upper left corner, from that of the
// canvas.
func block(c draw.Canvas, x, y, w, h vg.Length, with color.Color) {
	fill(draw.Crop(c, x, x+w-width(c), height(c)-y-h, -y), with)
}

func style(size float64, bold bool, ink color.Color) draw.TextStyle {
	f := font.Font{Typeface: "Liberation", Variant: "Sans", Size: vg.Length(size)}
	if bold {
		f.Weight = xfont.WeightBold
	}
	return draw.TextStyle{Color: ink, Font: f, Handler: plot.DefaultTextHandler}
}

// write writes a line of text, as much of it as there is room for; its base is at x and y from the
// upper left corner.
func write(c draw.Canvas, x, y vg.Length, size float64, bold bool, ink color.Color, text string) {
	s := style(size, bold, ink)
	at := vg.Point{X: c.Min.X + x, Y: c.Max.Y - y}
	// Letter by letter: the library draws pairs that are kerned, such as To, over each other.
	for _, letter := range fitting(s, text, width(c)-x) {
		c.FillText(s, at, string(letter))
		at.X += s.Width(string(letter))
	}
}

// fitting returns a text, shortened to a width.
func fitting(s draw.TextStyle, text string, width vg.Length) string {
	if s.Width(text) <= width {
		return text
	}
	letters := []rune(text)
	for len(letters) > 0 && s.Width(string(letters)+"…") > width {
		letters = letters[:len(letters)-1]
	}
	return string(letters) + "…"
}

// centered writes a text into the middle.
func centered(c draw.Canvas, size float64, ink color.Color, text string) {
	s := style(size, false, ink)
	write(c, max(0, (width(c)-s.Width(text))/2), height(c)/2+vg.Length(size)/3, size, false, ink, text)
}
