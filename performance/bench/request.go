package main

import "strconv"

// The bodies of the benchmarks: a short chat, as an SDK would send it.
const (
	chatStart  = `{"model":"` + modelName + `","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"Explain in one sentence how a token bucket works."}],"temperature":0.7,`
	chatBody   = chatStart + `"max_tokens":64}`
	streamBody = chatStart + `"stream":true,"max_tokens":1000000}` // longer than any measurement
	probeBody  = chatStart + `"stream":true,"max_tokens":5}`
)

// appendRequest appends a whole chat request in the name of a numbered user.
func appendRequest(dst []byte, user int, body string) []byte {
	dst = append(dst, "POST "+chatPath+" HTTP/1.1\r\nHost: bench\r\nUser-Agent: bench\r\nAccept: application/json\r\n"+
		"Content-Type: application/json\r\nX-User-ID: user-"...)
	dst = strconv.AppendInt(dst, int64(user), 10)
	dst = append(dst, "\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}
