package mockvllm

import (
	"fmt"
	"net/http"
	"strconv"
)

// Version is what /version tells; the shapes of answers follow vLLM of about
// that release.
const Version = "0.11.0"

func (s *Server) serveHealth(w http.ResponseWriter, _ *http.Request) {
	if s.unhealthy.Load() {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
}

func (s *Server) serveVersion(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, http.StatusOK, []byte(`{"version":"`+Version+`"}`))
}

func (s *Server) serveModels(w http.ResponseWriter, _ *http.Request) {
	models := s.models()
	data := list(len(models), func(i int) string {
		return fmt.Sprintf(`{"id":%s,"object":"model","created":%d,"owned_by":"vllm","root":%[1]s,`+
			`"parent":null,"max_model_len":%[3]d,"permission":[{"id":"modelperm-%[4]d",`+
			`"object":"model_permission","created":%[2]d,"allow_create_engine":false,`+
			`"allow_sampling":true,"allow_logprobs":true,"allow_search_indices":false,`+
			`"allow_view":true,"allow_fine_tuning":false,"organization":"*","group":null,`+
			`"is_blocking":false}]}`,
			models[i].quoted, s.options.Clock().Unix(), models[i].ContextLength, i)
	})
	writeJSON(w, http.StatusOK, []byte(`{"object":"list","data":[`+data+"]}"))
}

// serveMetrics writes a few of vLLM's metrics in the Prometheus text format.
func (s *Server) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	var text []byte
	for i, metric := range []struct{ name, kind, help string }{
		{"vllm:num_requests_running", "gauge", "Number of requests in model execution batches."},
		{"vllm:num_requests_waiting", "gauge", "Number of requests waiting to be processed."},
		{"vllm:prompt_tokens_total", "counter", "Number of prefill tokens processed."},
		{"vllm:generation_tokens_total", "counter", "Number of generation tokens processed."},
		{"vllm:request_success_total", "counter", "Count of successfully processed requests."},
	} {
		text = fmt.Appendf(text, "# HELP %s %s\n# TYPE %[1]s %[3]s\n",
			metric.name, metric.help, metric.kind)
		for _, m := range s.models() {
			text = fmt.Appendf(text, "%s{engine=\"0\",model_name=%s} %d.0\n",
				metric.name, m.quoted, m.counts()[i])
		}
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write(text) // a reader that left needs no answer
}

// writeStatus answers with the body that vLLM gives to a bare HTTP error.
func writeStatus(w http.ResponseWriter, status int) {
	e := &apiError{status: status, kind: http.StatusText(status), message: http.StatusText(status)}
	writeJSON(w, status, e.render(false))
}

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	announceJSON(w, len(body))
	w.WriteHeader(status)
	_, _ = w.Write(body) // a reader that left needs no answer
}

// announceJSON sets the headers of a JSON body of some bytes.
func announceJSON(w http.ResponseWriter, bytes int) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(bytes))
}
