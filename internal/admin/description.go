package admin

import (
	_ "embed"
	"net/http"
	"strconv"
)

// document describes the HTTP interface. `make api` copies it from api/openapi.yaml.
//
//go:embed openapi.yaml
var document []byte

// description answers with the document. It is the same for everybody and tells nothing of this
// gateway.
func (h *Handler) description(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header["Content-Type"] = []string{"application/yaml"}
	header["Content-Length"] = []string{strconv.Itoa(len(document))}
	// The client may have left; there is nobody to tell.
	_, _ = w.Write(document)
}
