package binding

import (
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// shop is a program's settings: one of every target.
type shop struct {
	Name     string
	Open     bool
	Size     int64
	Discount float64
	Visit    time.Duration
	Mood     string
	Plan     string
	PIN      string
	Chairs   int64
	Cellar   *cellar
	Shelves  map[string]shelf
	Staff    []person
	Doors    []netip.Prefix
}

type cellar struct{ Key string }

type shelf struct{ Boards int64 }

type person struct{ Name string }

func newShop() *shop {
	return &shop{
		Name: "corner", Size: 7, Visit: time.Hour, Mood: "calm", Shelves: map[string]shelf{},
	}
}

func (s *shop) schema() Object {
	return Object{
		{Key: "title", To: Instead("write name")},
		{"name", "Its name.", Text(&s.Name, NotEmpty, AtMost(8)).Wants("a name")},
		{"open", "Whether it is open.", Boolean(&s.Open)},
		{"size", "Its size.", Integer(&s.Size, 1, 9)},
		{"discount", "What is taken off.", Fraction(&s.Discount, 0, 1)},
		{"visit", "How long one stays.", Duration(&s.Visit, time.Second)},
		{"mood", "How it is.", Choice(&s.Mood, "calm", "busy")},
		{"plan", "File of its plan.", FileName(&s.Plan)},
		{"pin", "How to enter.", Secret(&s.PIN)},
		{"chairs", "Chairs; left out: none.", OmitZero(Integer(&s.Chairs, 1, 9))},
		{"cellar", "What is below.", Optional[cellar]{
			To: &s.Cellar, Fresh: func() *cellar { return &cellar{Key: "rusty"} },
			Schema: func(c *cellar) Target {
				return Object{{"key", "Its key.", Guarded(Text(&c.Key, OrEmpty(AtMost(20))))}}
			},
		}},
		{"shelves", "By name.", Entries[shelf]{
			To: &s.Shelves, Name: NotEmpty, Fresh: func(string) shelf { return shelf{Boards: 2} },
			Schema: func(x *shelf) Target {
				return Object{{"boards", "How many.", Integer(&x.Boards, 0, 9)}}
			},
		}},
		{"staff", "Who works there.", List[person]{To: &s.Staff, Item: func(p *person) Target {
			return Object{{"name", "Of the person.", Text(&p.Name)}}
		}}},
		{"doors", "Where people come from.", List[netip.Prefix]{To: &s.Doors, Item: Network}},
	}
}

// bind reads files, each laid over those before it.
func bind(env variables, files ...string) (*shop, *Report) {
	r := &Report{Advice: advice}
	root := &Node{}
	for i, text := range files {
		tree, _ := Parse([]string{"shop.yml", "over.yml"}[i], []byte(text), r)
		root = Merge(root, tree)
	}
	i := Interpolation{Env: env.look, Report: r, ReadFile: func(name string) ([]byte, error) {
		if name == "none" {
			return nil, errors.New("it is gone")
		}
		return []byte(name + "\n"), nil
	}}
	i.Fill(root)
	s := newShop()
	s.schema().Decode(r, root)
	return s, r
}

const everything = `
name: ${NAME:tea}
open: true
size: 9
discount: 0.25
visit: 90s
mood: busy
plan: plan.pdf
pin: ${PIN}
chairs: 4
cellar: {key: gold}
shelves:
  "a.b": {}
  c: {boards: 5}
staff: [{name: ann}, {name: "$${bob}"}]
doors: [10.0.0.7, 10.1.2.3/8]
`

func everythingBound() *shop {
	return &shop{
		Name: "tea", Open: true, Size: 9, Discount: 0.25, Visit: 90 * time.Second, Mood: "busy",
		Plan: "plan.pdf", PIN: "1234", Chairs: 4, Cellar: &cellar{Key: "gold"},
		Shelves: map[string]shelf{"a.b": {Boards: 2}, "c": {Boards: 5}},
		Staff:   []person{{"ann"}, {"${bob}"}},
		Doors: []netip.Prefix{
			netip.MustParsePrefix("10.0.0.7/32"), netip.MustParsePrefix("10.0.0.0/8"),
		},
	}
}

var byValue = cmpopts.EquateComparable(netip.Prefix{})

func TestBind(t *testing.T) {
	less := everythingBound()
	less.PIN, less.Cellar, less.Staff = "1", nil, nil
	delete(less.Shelves, "c")
	for name, x := range map[string]struct {
		env   variables
		files []string
		want  *shop
	}{
		"nothing":    {nil, []string{""}, newShop()},
		"everything": {variables{"PIN_FILE": "1234"}, []string{everything}, everythingBound()},
		"one file over another": {
			variables{"PIN": "1"},
			[]string{everything, "shelves: {c: ~}\nstaff: []\ncellar: null\n"}, less,
		},
	} {
		got, r := bind(x.env, x.files...)
		if err := r.Err(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(x.want, got, byValue); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestMistakes: every mistake is told at once, with its place and what to do.
func TestMistakes(t *testing.T) {
	_, r := bind(variables{"SIZE": "tcp://10.0.0.1:1", "PIN_FILE": "none", "LONG": strings.Repeat("x", textBytesMax+1)}, `
title: x
nane: x
name: "much too long"
open: yes
size: ${SIZE}
discount: 2
visit: 5
mood: bussy
plan: -----BEGIN KEY-----
pin: ${PIN}
chairs:
cellar: {key: "https://me:hunter2@h?and=more"}
shelves: {"": {}, a: {boards: 10}, b: [1]}
staff: [x, {name: {}}]
doors: 10.0.0.1
`, "size: 0${SIZE}\nmood: ${LONG}")
	wantErrors(t, r.Err(),
		`over.yml:1:7: size: "0tcp://10.0.0.1:1" (from ${SIZE}) is not a whole number; write a whole number from 1 to 9`,
		"over.yml:2:7: mood: has 65537 bytes after filling in variables; at most 65536 are possible",
		"shop.yml:2:1: title: is not a known key; write name",
		"shop.yml:3:1: nane: is not a known key; did you mean name?",
		`shop.yml:4:7: name: "much too long" has 13 bytes; write at most 8`,
		`shop.yml:5:7: open: "yes" is not a choice; write true or false`,
		"shop.yml:7:11: discount: 2 is out of range; write a number from 0 to 1",
		`shop.yml:8:8: visit: "5" has no unit; write 5ms for milliseconds, or 5s for seconds`,
		"shop.yml:10:7: plan: *** is what a file holds; write it into a file, and here the name of that file",
		`shop.yml:11:6: pin: the file "none" (of the environment variable PIN_FILE) cannot be read: it is gone; let the shop read it`,
		"shop.yml:12:1: chairs: has no value; write a whole number from 1 to 9, or remove the key",
		`shop.yml:13:15: cellar.key: "***@h?***" has 29 bytes; write at most 20`,
		`shop.yml:14:11: shelves[""]: is empty`,
		"shop.yml:14:31: shelves.a.boards: 10 is out of range; write a whole number from 0 to 9",
		"shop.yml:14:39: shelves.b: is a list where a map is expected; write its keys in lines of their own, further to the right",
		"shop.yml:15:9: staff[0]: is a single value where a map is expected; write its keys in lines of their own, further to the right",
		"shop.yml:15:19: staff[1].name: is a map where a single value is expected; write some text behind the colon",
		"shop.yml:16:8: doors: is a single value where a list is expected; write [a, b], or a line with - for each",
	)
	if !r.UnknownAtTop || !r.Has("shelves") || r.Has("shelve") {
		t.Error("what was noted is not known any more")
	}
}

func TestFindings(t *testing.T) {
	r := &Report{}
	root, _ := Parse("shop.yml", []byte("plan: a\ncellar: {key: b}"), r)
	root.Get("plan").Path = "drawing"
	r.Add(Position{File: "shop.yml"}, "cellar.key", "", "is lost", "")
	r.AddFindings(root, []Finding{
		{[]string{"plan"}, "is odd", "write another"},
		{[]string{"cellar", "key"}, "is odd", ""},
		{[]string{"pin"}, "is odd", ""},
	})
	wantErrors(t, r.Err(), "shop.yml: cellar.key: is lost", `shop.yml: pin: "" is odd`,
		`shop.yml:1:7: drawing: "a" is odd; write another`)
}

// TestPrinted: what is printed reads as what was, but for secrets.
func TestPrinted(t *testing.T) {
	s := everythingBound()
	const want = `name: tea
open: true
size: 9
discount: 0.25
visit: 1m30s
mood: busy
plan: plan.pdf
pin: "***"
chairs: 4
cellar:
  key: gold
shelves:
  a.b:
    boards: 2
  c:
    boards: 5
staff:
  - name: ann
  - name: "$${bob}"
doors: ["10.0.0.7/32", "10.0.0.0/8"]
`
	text := Print(s.schema().Encode())
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	s.PIN = "***"
	got, r := bind(nil, text)
	if diff := cmp.Diff(s, got, byValue); diff != "" || r.Err() != nil {
		t.Errorf("read again: %v (-want +got):\n%s", r.Err(), diff)
	}
	flat := Flat(s.schema().Encode())
	for key, want := range map[string]any{
		"staff[1].name": "${bob}", "size": int64(9), "discount": 0.25, "open": true, "visit": "1m30s",
		"pin": "***", "shelves.a.b.boards": int64(2),
	} {
		if flat[key] != want {
			t.Errorf("%s is %v, want %v", key, flat[key], want)
		}
	}
}

// TestDiffering: secrets are compared, and a section that there is not differs as a whole.
func TestDiffering(t *testing.T) {
	a, b := everythingBound(), everythingBound()
	b.PIN, b.Cellar, b.Staff, b.Chairs = "other", nil, b.Staff[:1], 0
	b.Shelves = map[string]shelf{"a.b": {Boards: 3}}
	for range 2 {
		want := []Path{"pin", "chairs", "cellar", `shelves["a.b"].boards`, "shelves.c", "staff"}
		got := Differing("", a.schema().Encode(), b.schema().Encode())
		less := func(a, b Path) bool { return a < b }
		if diff := cmp.Diff(want, got, cmpopts.SortSlices(less)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		a, b = b, a
	}
}

// FuzzBind feeds any bytes as two files. What is taken prints and reads again; what is not
// has a place.
func FuzzBind(f *testing.F) {
	f.Add([]byte(everything), []byte("shelves: {c: ~}"))
	f.Add([]byte(laughs(8)), []byte(indented(70)))
	f.Add([]byte("a: &a [*a]\nb:\n  - - ? |\n"), []byte("<<: {size: 3}"))
	f.Fuzz(func(t *testing.T, base, over []byte) {
		s, r := bind(variables{"PIN": "1"}, string(base), string(over))
		for _, e := range r.Mistakes {
			if e.File == "" || e.Problem == "" || e.Line > 0 && e.Column < 1 {
				t.Errorf("a mistake without place or problem: %+v", *e)
			}
		}
		if len(r.Mistakes) > 0 {
			return
		}
		if s.PIN != "" {
			s.PIN = "***"
		}
		text := Print(s.schema().Encode())
		got, r := bind(nil, text)
		if diff := cmp.Diff(s, got, byValue, cmpopts.EquateEmpty()); diff != "" || r.Err() != nil {
			t.Fatalf("%v (-want +got):\n%s\nby\n%s", r.Err(), diff, text)
		}
	})
}
