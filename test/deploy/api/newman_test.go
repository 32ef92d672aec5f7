package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

const collection = "docs/api/postman-collection.json"

// report is what newman says of a run.
type report struct {
	Run struct {
		Stats struct {
			Requests, Assertions struct{ Total, Failed int }
		}
		Failures []struct {
			Error  struct{ Message string }
			Source struct{ Name string }
		}
	}
}

// newman runs a folder of the collection, or all of it where that is "", with variables.
// ok tells whether newman says that all went well, by its exit code.
func newman(t *testing.T, folder string, variables ...string) (r report, ok bool) {
	t.Helper()
	program, err := filepath.Abs("node_modules/.bin/newman")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatalf("the collection is run by newman: scripts/install-deploy-needs.sh (%v)", err)
	}
	file := filepath.Join(t.TempDir(), "report.json")
	args := []string{program, "run", deploytest.Path(t, collection), "--reporters", "json", "--reporter-json-export", file, "--timeout-request", "30000"}
	if folder != "" {
		args = append(args, "--folder", folder)
	}
	for _, v := range variables {
		args = append(args, "--env-var", v)
	}
	cmd := deploytest.Command(nil, args...)
	out, err := cmd.CombinedOutput()
	if failed := (*exec.ExitError)(nil); err != nil && (!errors.As(err, &failed) || failed.ExitCode() != 1) {
		t.Fatalf("newman does not run: %v\n%s", err, out)
	}
	text, readErr := os.ReadFile(file)
	if readErr != nil {
		t.Fatalf("%v\n%s", readErr, out)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r, err == nil
}

// TestCollection runs all of it against a gateway with keys, and, with the variables as they
// come, against the one of `make run`.
func TestCollection(t *testing.T) {
	program := deploytest.Binary(t)
	text, err := os.ReadFile(deploytest.Path(t, collection))
	if err != nil {
		t.Fatal(err)
	}
	requests, assertions := bytes.Count(text, []byte(`"request": {`)), bytes.Count(text, []byte("pm.test("))
	for name, variables := range map[string][]string{
		"with keys":      {"baseUrl=" + guarded(t, program), "apiKey=" + userKey, "adminKey=" + adminKey},
		"of development": {"baseUrl=" + open(t, program)},
	} {
		t.Run(name, func(t *testing.T) {
			begun := time.Now()
			r, ok := newman(t, "", variables...)
			for _, f := range r.Run.Failures {
				t.Errorf("%s: %s", f.Source.Name, f.Error.Message)
			}
			if s := r.Run.Stats; !ok || s.Requests.Total != requests || s.Assertions.Total != assertions || assertions < 150 {
				t.Errorf("%+v of %d requests with %d tests", s, requests, assertions)
			}
			t.Logf("%d requests, %d tests in %v", requests, assertions, time.Since(begun).Round(time.Millisecond))
		})
	}
}

// TestCollectionNotices lets a gateway answer otherwise than is described, by something in
// between: newman must fail, and say of what.
func TestCollectionNotices(t *testing.T) {
	program := deploytest.Binary(t)
	base := guarded(t, program)
	for name, c := range map[string]struct {
		folder string
		change func(*http.Response, []byte) []byte
		want   string // of a failure
	}{
		"nothing":        {"models", func(_ *http.Response, b []byte) []byte { return b }, ""},
		"the status":     {"models", func(r *http.Response, b []byte) []byte { r.StatusCode = http.StatusAccepted; return b }, "status code 200"},
		"the media type": {"models", func(r *http.Response, b []byte) []byte { r.Header.Set("Content-Type", "text/html"); return b }, "to include 'application/json'"},
		"a header field": {"models", func(r *http.Response, b []byte) []byte { r.Header.Del("X-Request-Id"); return b }, "X-Request-ID"},
		"a member's name": {"control plane", func(_ *http.Response, b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"resetAt"`), []byte(`"reset_at"`))
		}, "to satisfy schema"},
		"a member's type": {"operations", func(_ *http.Response, b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"UP"`), []byte(`true`))
		}, "to satisfy schema"},
		"no events": {"data plane", func(r *http.Response, b []byte) []byte {
			if strings.HasPrefix(r.Header.Get("Content-Type"), "text/event-stream") {
				return []byte("\n")
			}
			return b
		}, "to match"},
		"an error's code": {"refusals", func(_ *http.Response, b []byte) []byte {
			return bytes.ReplaceAll(b, []byte("model_not_found"), []byte("no_model"))
		}, "to deeply equal"},
	} {
		t.Run(name, func(t *testing.T) {
			r, ok := newman(t, c.folder, "baseUrl="+changing(t, base, c.change), "apiKey="+userKey, "adminKey="+adminKey)
			if ok != (c.want == "") {
				t.Fatalf("newman says that all is well: %v, want %v; failures: %+v", ok, !ok, r.Run.Failures)
			}
			for _, f := range r.Run.Failures {
				if strings.Contains(f.Error.Message, c.want) {
					return
				}
			}
			if !ok {
				t.Errorf("no failure says %q: %+v", c.want, r.Run.Failures)
			}
		})
	}
	t.Run("a key that is not known", func(t *testing.T) {
		if r, ok := newman(t, "models", "baseUrl="+base, "apiKey=no"); ok || r.Run.Stats.Assertions.Failed == 0 {
			t.Errorf("newman says that all is well: %+v", r.Run.Stats)
		}
	})
}

// changing starts what passes requests on to a gateway, and changes the answers.
func changing(t *testing.T, base string, change func(*http.Response, []byte) []byte) string {
	t.Helper()
	target, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: func(r *http.Response) error {
			b, err := io.ReadAll(r.Body)
			if err != nil {
				return err
			}
			b = change(r, b)
			r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(b)), int64(len(b))
			r.Header.Del("Content-Length")
			return nil
		},
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL
}
