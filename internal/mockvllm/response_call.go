package mockvllm

// The output of a response that calls a function: an item of its own, whose
// arguments come in pieces and make the JSON object {"text":"…"} together.

func (r *response) openCall(out *eventStream) error {
	buf := r.appendCall(append(r.buf[:0], `{"item":`...), nil, "in_progress")
	return r.event(out, "response.output_item.added", append(buf, `,"output_index":0,`...), "")
}

func (r *response) callToken(out *eventStream, t token) error {
	buf := append(r.buf[:0], `{"delta":"`...)
	buf = r.appendArguments(buf, t.index, t.index+1)
	buf = append(r.place(append(buf, `",`...)), `,"output_index":0,`...)
	return r.event(out, "response.function_call_arguments.delta", buf, "")
}

func (r *response) endCall(out *eventStream) error {
	buf := append(append(r.buf[:0], `{"arguments":"`...), r.arguments()...)
	buf = appendString(append(r.place(append(buf, `",`...)), `,"name":`...), r.job.body.toolName())
	return r.event(out, "response.function_call_arguments.done", append(buf, `,"output_index":0,`...), "")
}

func (r *response) arguments() []byte { return r.appendArguments(nil, 0, r.sequence().tokens) }

// appendArguments appends tokens first to end, escaped for a JSON string.
func (r *response) appendArguments(dst []byte, first, end int64) []byte {
	if first == 0 {
		dst = append(dst, `{\"text\":\"`...)
	}
	dst = r.job.appendText(dst, r.sequence(), first, end)
	if end == r.sequence().tokens {
		dst = append(dst, `\"}`...)
	}
	return dst
}

// appendCall appends the item; arguments go into it without escapes.
func (r *response) appendCall(dst, arguments []byte, status string) []byte {
	dst = append(append(dst, `{"arguments":"`...), arguments...)
	dst = appendString(append(dst, `","call_id":`...), "call_"+r.job.id)
	dst = appendString(append(dst, `,"name":`...), r.job.body.toolName())
	dst = appendString(append(dst, `,"type":"function_call","id":`...), r.itemID())
	return append(dst, `,"status":"`+status+`"}`...)
}
