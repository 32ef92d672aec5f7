package picture

import (
	"image/color"
	"math"
	"strconv"
	"strings"
)

// colors are Grafana's, by the names that dashboards use.
var colors = map[string]color.Color{
	"green": rgb(0x56a64b), "orange": rgb(0xff9830), "red": rgb(0xe02f44), "blue": rgb(0x3274d9), "purple": rgb(0xa352cc),
	"dark-red": rgb(0xad0317), "semi-dark-red": rgb(0xc4162a), "light-red": rgb(0xf2495c), "super-light-red": rgb(0xff7383),
	"#8e8e8e": rgb(0x8e8e8e),
}

// palette is for series that have no colour of their own.
var palette = []color.Color{
	rgb(0x3274d9), rgb(0xe0a800), rgb(0x2f9bb3), rgb(0xa352cc), rgb(0xe0752d), rgb(0x6ba32d), rgb(0xd6618f), rgb(0x1f4f9a), rgb(0x4b4fa3), rgb(0x5a7ba6), rgb(0x8d6e52),
}

func rgb(v uint32) color.NRGBA { return color.NRGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 0xff} }

// opaque returns what a colour with a share of opacity looks like on white: pictures are smaller
// without transparency.
func opaque(c color.Color, share float64) color.NRGBA {
	r, g, b, _ := c.RGBA()
	mix := func(v uint32) uint8 { return uint8(255 - share*(255-float64(v>>8))) }
	return color.NRGBA{mix(r), mix(g), mix(b), 0xff}
}

// format writes a value as Grafana does in a unit. With nil decimals there are as many as three
// digits need.
func format(v float64, unit string, decimals *int) string {
	digits := func(v float64) string {
		switch {
		case decimals != nil:
			return strconv.FormatFloat(v, 'f', *decimals, 64)
		case v == 0:
			return "0"
		}
		whole := int(math.Floor(math.Log10(math.Abs(v)))) + 1
		s := strconv.FormatFloat(v, 'f', min(max(3-whole, 0), 4), 64)
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	scaled := func(base float64, names ...string) string {
		i, w := 0, v
		for i+1 < len(names) && math.Abs(w) >= base {
			i, w = i+1, w/base
		}
		return digits(w) + names[i]
	}
	switch unit {
	case "percentunit":
		v *= 100
		return digits(v) + "%"
	case "s":
		switch {
		case v == 0:
			return "0 s"
		case math.Abs(v) < 1e-3:
			return digits(v*1e6) + " µs"
		case math.Abs(v) < 1:
			return digits(v*1e3) + " ms"
		case math.Abs(v) >= 7*86400:
			return digits(v/7/86400) + " weeks"
		case math.Abs(v) >= 86400:
			return digits(v/86400) + " days"
		case math.Abs(v) >= 3600:
			return digits(v/3600) + " hours"
		case math.Abs(v) >= 60:
			return digits(v/60) + " min"
		}
		return digits(v) + " s"
	case "bytes":
		return scaled(1024, " B", " KiB", " MiB", " GiB")
	case "locale":
		return grouped(int64(math.Round(v)))
	case "reqps":
		return scaled(1000, " req/s", "K req/s")
	}
	return scaled(1000, "", " K", " Mil", " Bil")
}

// colorOf returns the colour of a value by thresholds.
func (d defaults) colorOf(v float64) color.Color {
	c := color.Color(rgb(0x8e8e8e))
	for _, s := range d.Thresholds.Steps {
		if s.Value == nil || v >= *s.Value {
			c = colors[s.Color]
		}
	}
	return c
}

// grouped writes a number with a comma before each three digits.
func grouped(n int64) string {
	s := strconv.FormatInt(n, 10)
	for at := len(s) - 3; at > 0 && s[at-1] != '-'; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}
