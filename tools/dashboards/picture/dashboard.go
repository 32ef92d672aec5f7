package picture

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// dashboard is what is drawn of one.
type dashboard struct {
	Title  string
	Panels []panel
}

type panel struct {
	ID          int
	Type, Title string
	GridPos     struct{ X, Y, W, H float64 }
	Targets     []struct{ Expr, LegendFormat string } // which have been answered
	FieldConfig struct {
		Defaults  defaults
		Overrides []override
	}
	Options struct {
		ColorMode, GraphMode, Content string
		SortBy                        []struct {
			DisplayName string
			Desc        bool
		}
	}
	Transformations []struct {
		ID      string
		Options struct {
			IndexByName  map[string]int
			RenameByName map[string]string
		}
	}
}

type defaults struct {
	Unit, NoValue string
	Decimals      *int
	Min, Max      *float64
	Thresholds    struct{ Steps []threshold }
	Mappings      mappings
	Custom        struct {
		FillOpacity     float64
		AxisSoftMax     *float64
		Stacking        struct{ Mode string }
		ThresholdsStyle struct{ Mode string }
	}
}

type threshold struct {
	Value *float64 // nil: from the beginning
	Color string
}

// mappings say what values are called.
type mappings []struct {
	Options map[string]struct{ Text, Color string }
}

// named returns what a value is called and its colour. Without a mapping it has neither.
func (m mappings) named(value string) (text, color string, ok bool) {
	for _, one := range m {
		if o, is := one.Options[value]; is {
			return o.Text, o.Color, true
		}
	}
	return "", "", false
}

// override is what holds for some series, or for a column.
type override struct {
	Matcher struct {
		ID      string
		Options string
	}
	Properties []struct {
		ID    string
		Value json.RawMessage
	}
}

// property returns what the last override that matches a name says of a property.
func (p panel) property(name, id string, into any) bool {
	found := false
	for _, o := range p.FieldConfig.Overrides {
		matches := o.Matcher.Options == name
		if o.Matcher.ID == "byRegexp" {
			matches = regexp.MustCompile("^(?:" + o.Matcher.Options + ")$").MatchString(name)
		}
		for _, property := range o.Properties {
			if matches && property.ID == id {
				found = json.Unmarshal(property.Value, into) == nil
			}
		}
	}
	return found
}

// Answers are what was answered to the expressions of each panel of each dashboard, by the names of
// their files and the panels' ids.
type Answers map[string]map[int][]Answer

// Answer is the answer to one expression over a time.
type Answer struct {
	Expr   string `json:"expr"`
	Legend string `json:"legend"`
	Result []struct {
		Metric map[string]string `json:"metric"`
		Values [][2]any          `json:"values"`
	} `json:"result"`
}

// series is one line.
type series struct {
	name   string
	labels map[string]string
	query  int // which of the panel's it answers
	points []point
}

type point struct{ at, value float64 }

var label = regexp.MustCompile(`{{(\w+)}}`)

// all returns the series of a panel's answers, in the order of their names. What is no number is
// left out.
func all(answers []Answer) ([]series, error) {
	var found []series
	for i, a := range answers {
		var ofQuery []series
		for _, r := range a.Result {
			s := series{labels: r.Metric, query: i}
			s.name = label.ReplaceAllStringFunc(a.Legend, func(l string) string { return r.Metric[l[2:len(l)-2]] })
			for _, v := range r.Values {
				p, err := number(v)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", a.Expr, err)
				}
				if !math.IsNaN(p.value) && !math.IsInf(p.value, 0) {
					s.points = append(s.points, p)
				}
			}
			if len(s.points) > 0 {
				ofQuery = append(ofQuery, s)
			}
		}
		slices.SortFunc(ofQuery, func(a, b series) int { return strings.Compare(a.name, b.name) })
		found = append(found, ofQuery...)
	}
	return found, nil
}

// number reads a time in seconds and a value that is written as text.
func number(v [2]any) (point, error) {
	at, ok := v[0].(float64)
	text, isText := v[1].(string)
	if !ok || !isText {
		return point{}, fmt.Errorf("%v is no sample", v)
	}
	value, err := strconv.ParseFloat(text, 64)
	return point{at, value}, err
}

// last returns the newest value.
func (s series) last() float64 { return s.points[len(s.points)-1].value }
