package request

import (
	"bytes"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"
)

// edits appends what p changes in body, in no order but that of insertions at the same place.
func (r *Request) edits(edits []edit, body []byte, p Patch) []edit {
	insertions := len(edits)
	edits = r.insertions(edits, p)
	if inserted := edits[insertions:]; r.at.empty && len(inserted) > 0 {
		inserted[len(inserted)-1].after = "" // no comma behind the last member
	}
	edits = r.modelEdit(edits, body, p)
	edits = r.optionsEdits(edits, p)
	edits = r.capEdits(edits, p)
	return appendCuts(edits, r.at.cuts)
}

// appendCuts appends the removal of places of a body.
func appendCuts(edits []edit, cuts []jsonscan.Extent) []edit {
	for _, c := range cuts {
		edits = append(edits, edit{Extent: c})
	}
	return edits
}

// insertions appends an insertion for every member that is wanted and missing.
func (r *Request) insertions(edits []edit, p Patch) []edit {
	head := jsonscan.Extent{Start: r.at.inside, End: r.at.inside}
	if p.Model != "" && !r.at.model.IsSet() {
		edits = append(edits, edit{Extent: head, before: `"model":`, value: modelValue, after: ","})
	}
	if r.forces(p) && !r.at.options.IsSet() {
		options := `"stream_options":` + p.options()
		edits = append(edits, edit{Extent: head, before: options, after: ","})
	}
	if c, ok := r.wantedCap(p); ok && !r.hasCap() {
		edits = append(edits, edit{
			Extent: head, before: r.capName(), value: capValue, cap: c, after: ",",
		})
	}
	return edits
}

// modelEdit appends the replacement of the model's name where it differs.
func (r *Request) modelEdit(edits []edit, body []byte, p Patch) []edit {
	at := r.at.model
	if p.Model == "" || !at.IsSet() {
		return edits
	}
	var buffer [128]byte
	if bytes.Equal(at.Of(body), appendModel(buffer[:0], p.Model)) {
		return edits
	}
	return append(edits, edit{Extent: at, value: modelValue})
}

// ReportsUsage reports whether the answer is a stream that can be asked for its usage.
func (r *Request) ReportsUsage() bool {
	return r.Stream && (r.Endpoint == wire.ChatCompletions || r.Endpoint == wire.Completions)
}

// HasMedia reports whether something beside text is in the input, which the model server may have
// to fetch from elsewhere.
func (r *Request) HasMedia() bool { return r.Images > 0 || r.AudioParts > 0 }

// forces reports whether p makes this stream report its usage.
func (r *Request) forces(p Patch) bool { return p.ForceUsage && r.ReportsUsage() }

// optionsEdits appends what is to change in a stream_options that is there.
func (r *Request) optionsEdits(edits []edit, p Patch) []edit {
	o := &r.at.options
	if !r.forces(p) || !o.IsSet() {
		return appendCuts(edits, o.cuts)
	}
	if o.isEmpty {
		return append(edits, edit{Extent: o.Extent, before: p.options()})
	}
	edits = o.switchOn(edits, o.usage, usageOn)
	if !p.TotalOnly {
		edits = o.switchOn(edits, o.continuous, continuousOn)
	}
	return appendCuts(edits, o.cuts) // behind what is inserted at the same place
}

// switchOn appends the edit that makes a member of stream_options true, if it is not: member is
// where it stands, and on how it is written.
func (o *streamOptions) switchOn(edits []edit, member boolMember, on string) []edit {
	switch {
	case member.isTrue:
		return edits
	case member.IsSet():
		return append(edits, edit{Extent: member.Extent, before: "true"})
	}
	inside := o.Start + 1
	at := jsonscan.Extent{Start: inside, End: inside}
	return append(edits, edit{Extent: at, before: on, after: ","})
}

// capEdits appends what is to change in the output caps that are there.
func (r *Request) capEdits(edits []edit, p Patch) []edit {
	want, ok := r.wantedCap(p)
	if !ok {
		return edits
	}
	for _, c := range r.at.caps[:r.at.capsCount] {
		if c.value != want {
			edits = append(edits, edit{Extent: c.Extent, value: capValue, cap: want})
		}
	}
	return edits
}

// wantedCap returns the output cap that the patched body shall have: the smallest of the client's
// and the patch's. It reports false where there is none.
func (r *Request) wantedCap(p Patch) (int64, bool) {
	want, ok := r.smallestCap()
	if !ok && r.Endpoint == wire.Completions {
		want, ok = completionCap, true
	}
	switch {
	case p.OutputCap <= 0 || !r.Endpoint.Generates():
		return want, ok
	case !ok || p.OutputCap < want:
		want = p.OutputCap
	}
	return want, true
}

// hasCap reports whether the body has an output cap that every server of the endpoint heeds.
func (r *Request) hasCap() bool {
	return r.at.capsCount > 0 && (r.Endpoint != wire.Completions || r.at.hasMaxTokens)
}

// capName returns the beginning of the member that bounds the endpoint's output on every server.
// For chat that is max_tokens: max_completion_tokens is newer.
func (r *Request) capName() string {
	if r.Endpoint == wire.Responses {
		return `"max_output_tokens":`
	}
	return `"max_tokens":`
}
