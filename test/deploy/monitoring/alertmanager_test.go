package monitoring_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/mail"
	"net/textproto"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/token-rate-limiter/token-rate-limiter/test/deploy/deploytest"
)

// inbox keeps what arrives, mail or messages of a chat.
type inbox[T any] struct {
	mu  sync.Mutex
	all []T
}

func (i *inbox[T]) put(message T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.all = append(i.all, message)
}

// list returns what has arrived that is as asked for.
func (i *inbox[T]) list(as func(T) bool) (some []T) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, message := range i.all {
		if as(message) {
			some = append(some, message)
		}
	}
	return some
}

// chatMessage is what Slack's webhooks take.
type chatMessage struct {
	Channel     string
	Attachments []struct {
		Title, Text, Fallback, Color string
		TitleLink                    string `json:"title_link"`
	}
}

func titled(part string) func(chatMessage) bool {
	return func(m chatMessage) bool { return strings.Contains(m.Attachments[0].Title, part) }
}

// serveChat takes messages as a webhook does, at a path that is a secret.
func serveChat(t *testing.T, path string) (url string, messages *inbox[chatMessage]) {
	t.Helper()
	messages = &inbox[chatMessage]{}
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var m chatMessage
		if err := json.NewDecoder(r.Body).Decode(&m); err != nil || r.URL.Path != path || len(m.Attachments) != 1 {
			http.Error(w, "no message of a chat", http.StatusBadRequest)
			return
		}
		messages.put(m)
	})}
	l := listen(t)
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { server.Close() })
	return "http://" + l.Addr().String(), messages
}

// letter is a mail.
type letter struct{ subject, to, plain, html string }

func subject(part string) func(letter) bool {
	return func(l letter) bool { return strings.Contains(l.subject, part) }
}

// serveMail takes mail as a server does that knows one user.
func serveMail(t *testing.T, user, password string) (address string, letters *inbox[letter]) {
	t.Helper()
	letters = &inbox[letter]{}
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go takeMail(c, base64.StdEncoding.EncodeToString([]byte("\x00"+user+"\x00"+password)), letters)
		}
	}()
	return l.Addr().String(), letters
}

// takeMail is one session of SMTP.
func takeMail(c net.Conn, credential string, letters *inbox[letter]) {
	defer c.Close()
	text := textproto.NewConn(c)
	say := func(line string) { _ = text.PrintfLine("%s", line) } // who does not listen is not served
	known := false
	say("220 the test's")
	for {
		line, err := text.ReadLine()
		if err != nil {
			return
		}
		switch verb, rest, _ := strings.Cut(line, " "); strings.ToUpper(verb) {
		case "EHLO":
			say("250-the test's")
			say("250 AUTH PLAIN")
		case "AUTH":
			if known = strings.TrimPrefix(rest, "PLAIN ") == credential; known {
				say("235 known")
			} else {
				say("535 not known")
			}
		case "DATA":
			if !known {
				say("530 who are you?")
				return
			}
			say("354 go on")
			b, err := text.ReadDotBytes()
			if err != nil {
				return
			}
			letters.put(readLetter(b))
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 well")
		}
	}
}

// readLetter takes a mail apart, whose two forms come one after the other.
func readLetter(b []byte) (l letter) {
	m, err := mail.ReadMessage(bufio.NewReader(bytes.NewReader(b)))
	if err != nil {
		return letter{subject: err.Error()}
	}
	l.subject, l.to = m.Header.Get("Subject"), m.Header.Get("To")
	l.plain, l.html, _ = forms(m)
	return l
}

// alert is what Prometheus sends to Alertmanager.
type alert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      *time.Time        `json:"endsAt,omitempty"`
}

// alerted returns an alert as the rule says it, with labels in pairs, and texts of this test's.
func alerted(t *testing.T, name string, labels ...string) alert {
	t.Helper()
	all := rules(t)
	i := slices.IndexFunc(all, func(r rule) bool { return r.Alert == name })
	if i < 0 {
		t.Fatalf("there is no alert %s", name)
	}
	a := alert{
		Labels: map[string]string{"alertname": name, "job": "token-rate-limiter", "severity": all[i].Labels["severity"]},
		Annotations: map[string]string{
			"summary": "summary of " + name, "description": "42 & <more> of " + strings.Join(labels, " "),
			"runbook_url": all[i].Annotations["runbook_url"],
		},
		StartsAt: time.Now(),
	}
	for i := 0; i < len(labels); i += 2 {
		a.Labels[labels[i]] = labels[i+1]
	}
	return a
}

// manager is a running Alertmanager, and what it has sent.
type manager struct {
	url     string
	chat    *inbox[chatMessage]
	letters *inbox[letter]
}

// startAlertmanager starts one with the files of monitoring/alertmanager. Of its configuration only
// this differs: where mail goes, and that without encryption; where the secrets are; and that
// groups are waited for a second instead of half a minute.
func startAlertmanager(t *testing.T) *manager {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(deploytest.Path(t, "monitoring/alertmanager"))); err != nil {
		t.Fatal(err)
	}
	const password = "s3cret"
	m := &manager{}
	webhook, chat := serveChat(t, "/hooks/s3cret")
	smtp, letters := serveMail(t, "token-rate-limiter", password)
	m.chat, m.letters = chat, letters
	write(t, filepath.Join(dir, "chat-webhook-url"), webhook+"/hooks/s3cret\n")
	write(t, filepath.Join(dir, "smtp-password"), password) // without a line break: this Alertmanager sends it too
	text := read(t, "monitoring/alertmanager/alertmanager.yml")
	for old, by := range map[string]string{
		"mail.example.com:587": smtp, "smtp_require_tls: true": "smtp_require_tls: false", "/run/secrets/": dir + "/",
		"group_wait: 30s": "group_wait: 1s", "group_wait: 10s": "group_wait: 1s", "group_interval: 5m": "group_interval: 1s",
	} {
		if !strings.Contains(text, old) {
			t.Fatalf("alertmanager.yml has no %q", old)
		}
		text = strings.ReplaceAll(text, old, by)
	}
	write(t, filepath.Join(dir, "alertmanager.yml"), text)
	address := "127.0.0.1:" + deploytest.FreePort(t)
	deploytest.Start(t, deploytest.Command(nil, deploytest.Need(t, "prometheus-alertmanager"), "--config.file="+filepath.Join(dir, "alertmanager.yml"),
		"--storage.path="+filepath.Join(dir, "data"), "--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn"))
	m.url = "http://" + address
	deploytest.Eventually(t, "Alertmanager is ready", func() bool {
		response, err := http.Get(m.url + "/-/ready")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return m
}

// post sends alerts as Prometheus does.
func (m *manager) post(t *testing.T, alerts ...alert) {
	t.Helper()
	b, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.Post(m.url+"/api/v2/alerts", "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatal(response.Status)
	}
}

// TestAlertsArrive: a real Alertmanager sends what is critical by mail and to the chat, what is a
// warning to the chat, and nothing of what is for the record or follows from something else; and
// it tells when it is over.
func TestAlertsArrive(t *testing.T) {
	m := startAlertmanager(t)
	lost := alerted(t, "ModelWithoutServer", "model", "llama2-7b")
	m.post(t, lost,
		alerted(t, "EndpointUnhealthy", "model", "llama2-7b", "endpoint", "gpu1:8000"), // follows from it
		alerted(t, "EndpointUnhealthy", "model", "llama2-13b", "endpoint", "gpu1:8000"),
		alerted(t, "EndpointUnhealthy", "model", "llama2-13b", "endpoint", "gpu2:8000"),
		alerted(t, "BreakerOpen", "model", "llama2-13b", "endpoint", "gpu2:8000"), // follows from that
		alerted(t, "DemandDenied", "model", "llama2-7b"),
	)
	deploytest.Eventually(t, "a letter and two messages", func() bool {
		return len(m.letters.list(subject("ModelWithoutServer"))) > 0 && len(m.chat.list(titled("ModelWithoutServer"))) > 0 && len(m.chat.list(titled("EndpointUnhealthy"))) > 0
	})
	book := "https://github.com/token-rate-limiter/token-rate-limiter/blob/main/docs/runbooks.md#modelwithoutserver"
	l := m.letters.list(subject("ModelWithoutServer"))[0]
	if l.subject != "[critical] ModelWithoutServer llama2-7b" || l.to != "on-call@example.com" {
		t.Errorf("the letter is %q, to %s", l.subject, l.to)
	}
	for _, want := range []string{"summary of ModelWithoutServer\n", "42 & <more> of model llama2-7b", "  severity: critical\n", "Runbook: " + book} {
		if !strings.Contains(l.plain, want) {
			t.Errorf("the letter has no %q:\n%s", want, l.plain)
		}
	}
	for _, want := range []string{"<h3", "42 &amp; &lt;more&gt; of model", `href="` + book + `"`, "<td>severity</td><td>critical</td>"} {
		if !strings.Contains(l.html, want) {
			t.Errorf("the letter has no %q:\n%s", want, l.html)
		}
	}
	c := m.chat.list(titled("ModelWithoutServer"))[0]
	if a := c.Attachments[0]; c.Channel != "#token-rate-limiter" || a.Title != l.subject || a.Fallback != a.Title || a.Color != "danger" || a.TitleLink != book ||
		!strings.HasPrefix(a.Text, "*summary of ModelWithoutServer*\n42 & <more>") || !strings.Contains(a.Text, "<"+book+"|Runbook>") {
		t.Errorf("the message is %+v", c)
	}
	c = m.chat.list(titled("EndpointUnhealthy"))[0]
	if a := c.Attachments[0]; a.Title != "[warning] EndpointUnhealthy llama2-13b (2 firing, 0 resolved)" || a.Color != "warning" ||
		!strings.Contains(a.Text, "gpu1:8000") || !strings.Contains(a.Text, "gpu2:8000") {
		t.Errorf("the message is %+v", c)
	}

	now := time.Now()
	lost.EndsAt = &now
	m.post(t, lost)
	deploytest.Eventually(t, "it is told to be over", func() bool { return len(m.letters.list(subject("[resolved] ModelWithoutServer llama2-7b"))) > 0 })
	if got := m.letters.list(subject("[resolved]"))[0]; !strings.Contains(got.plain, "Over since ") || !strings.Contains(got.html, "Over since ") {
		t.Errorf("it says\n%s", got.plain)
	}
	deploytest.Eventually(t, "the chat is told as well", func() bool { return len(m.chat.list(titled("[resolved]"))) > 0 })
	if got := m.chat.list(titled("[resolved]"))[0].Attachments[0]; got.Color != "good" || !strings.Contains(got.Text, "Over since ") {
		t.Errorf("it says %+v", got)
	}

	if n := len(m.letters.list(subject("EndpointUnhealthy"))); n > 0 {
		t.Errorf("%d letters tell of a warning", n)
	}
	for _, name := range []string{"DemandDenied", "BreakerOpen"} {
		if n := len(m.chat.list(titled(name))) + len(m.letters.list(subject(name))); n > 0 {
			t.Errorf("%d messages tell of %s", n, name)
		}
	}
}

// TestTrialAlertArrives runs the command of the runbooks that sends one.
func TestTrialAlertArrives(t *testing.T) {
	m := startAlertmanager(t)
	command := regexp.MustCompile(`(?m)^curl .*:9093/.*$`).FindString(read(t, "docs/runbooks.md"))
	deploytest.Output(t, deploytest.Command(nil, "sh", "-c", strings.Replace(command, "http://127.0.0.1:9093", m.url, 1)))
	deploytest.Eventually(t, "it arrives", func() bool {
		return len(m.letters.list(subject("[critical] TrialAlert"))) > 0 && len(m.chat.list(titled("[critical] TrialAlert"))) > 0
	})
}

// TestAlertmanagerKnowsAlerts: routes and inhibitions name alerts that there are, and labels that
// these have.
func TestAlertmanagerKnowsAlerts(t *testing.T) {
	cmd := deploytest.Command(nil, deploytest.Need(t, "amtool"), "check-config", "monitoring/alertmanager/alertmanager.yml")
	cmd.Dir = deploytest.Root
	if out := deploytest.Output(t, cmd); !strings.Contains(out, "SUCCESS") {
		t.Error(out)
	}
	text := read(t, "monitoring/alertmanager/alertmanager.yml")
	found := 0
	for _, r := range rules(t) {
		if r.Alert != "" && strings.Contains(text, r.Alert) {
			found++
		}
	}
	for line := range strings.Lines(text) {
		_, after, is := strings.Cut(line, "alertname = ")
		if _, regex, isRegex := strings.Cut(line, `alertname =~ "`); isRegex {
			after, is = regex, true
		}
		if !is {
			continue
		}
		for name := range strings.SplitSeq(strings.TrimRight(after, "\"']\n"), "|") {
			prefix, wild := strings.CutSuffix(name, ".*")
			if !slices.ContainsFunc(rules(t), func(r rule) bool { return r.Alert == name || wild && strings.HasPrefix(r.Alert, prefix) }) {
				t.Errorf("there is no alert %s", name)
			}
		}
	}
	if found < 12 {
		t.Error(fmt.Sprint("it names ", found, " alerts only"))
	}
}

// forms returns both forms of a letter.
func forms(m *mail.Message) (plain, html string, err error) {
	_, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil {
		return "", "", err
	}
	for reader := multipart.NewReader(m.Body, params["boundary"]); ; {
		p, err := reader.NextPart() // which decodes quoted-printable
		if err != nil {
			return plain, html, err
		}
		b, err := io.ReadAll(p)
		if err != nil {
			return plain, html, err
		}
		if strings.HasPrefix(p.Header.Get("Content-Type"), "text/html") {
			html = string(b)
		} else {
			plain = strings.ReplaceAll(string(b), "\r\n", "\n")
		}
	}
}
