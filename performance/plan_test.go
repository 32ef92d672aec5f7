package performance

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// element is an element of a JMeter plan.
type element struct {
	XMLName  xml.Name
	Name     string    `xml:"name,attr"`
	TestName string    `xml:"testname,attr"`
	Text     string    `xml:",chardata"`
	Inner    []element `xml:",any"`
}

// property returns the text of the property with this name inside e.
func (e element) property(name string) string {
	for _, inner := range e.Inner {
		if inner.Name == name {
			return strings.TrimSpace(inner.Text)
		}
		if found := inner.property(name); found != "" {
			return found
		}
	}
	return ""
}

// each calls f with e and everything in it.
func (e element) each(f func(element)) {
	f(e)
	for _, inner := range e.Inner {
		inner.each(f)
	}
}

// TestJMeterPlansAreBounded: they are XML, every crowd in them ends by count
// and by time, and what they include is there.
func TestJMeterPlansAreBounded(t *testing.T) {
	files, err := filepath.Glob("jmeter/*.jmx")
	if err != nil || len(files) < 4 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		plan := readPlan(t, file)
		groups, includes := 0, 0
		plan.each(func(e element) {
			switch e.XMLName.Local {
			case "ThreadGroup":
				groups++
				checkBounded(t, file, e)
			case "IncludeController":
				includes++
				if _, err := os.Stat(filepath.Join("jmeter", e.property("IncludeController.includepath"))); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			}
		})
		if shared := filepath.Base(file) == "chat.jmx"; shared != (groups == 0) || includes != groups {
			t.Errorf("%s has %d groups of users and includes %d plans", file, groups, includes)
		}
	}
}

// readPlan reads a plan, of which everything must be well-formed.
func readPlan(t *testing.T, file string) element {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	decoder := xml.NewDecoder(f)
	var plan element
	if err := decoder.Decode(&plan); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for {
		after, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if text, blank := after.(xml.CharData); !blank || len(bytes.TrimSpace(text)) > 0 {
			t.Fatalf("%s: after its end: %v %v", file, after, err)
		}
	}
	if plan.XMLName.Local != "jmeterTestPlan" {
		t.Errorf("%s begins with %s", file, plan.XMLName.Local)
	}
	return plan
}

func checkBounded(t *testing.T, file string, group element) {
	t.Helper()
	for name, want := range map[string]string{
		"ThreadGroup.scheduler": "true", "LoopController.continue_forever": "false",
	} {
		if got := group.property(name); got != want {
			t.Errorf("%s: %s of %s is %q, want %s", file, name, group.TestName, got, want)
		}
	}
	for _, name := range []string{"ThreadGroup.num_threads", "ThreadGroup.duration", "LoopController.loops"} {
		if got := group.property(name); got == "" || strings.HasPrefix(got, "-") {
			t.Errorf("%s: %s of %s is %q", file, name, group.TestName, got)
		}
	}
}

// TestK6ScriptsAreJavaScript checks their syntax, where there is a node.
func TestK6ScriptsAreJavaScript(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed; make load runs the scripts themselves")
	}
	files, err := filepath.Glob("k6/*.js")
	if err != nil || len(files) < 3 {
		t.Fatalf("%v %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		module := filepath.Join(t.TempDir(), filepath.Base(file)+".mjs") // which node takes for a module
		if err := os.WriteFile(module, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(node, "--check", module).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", file, err, out)
		}
	}
}
