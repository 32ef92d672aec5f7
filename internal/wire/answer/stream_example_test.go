package answer_test

import (
	"fmt"
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/wire"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/answer"
	"github.com/token-rate-limiter/token-rate-limiter/internal/wire/sse"
)

// A client that did not ask for usage does not see the gateway's.
func ExampleStream() {
	upstream := strings.NewReader(
		`data: {"model":"served","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n" +
			`data: {"model":"served","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":1}}` + "\n\n" +
			"data: [DONE]\n\n")
	var events sse.Scanner
	events.Reset(upstream)
	var stream answer.Stream
	stream.Reset(wire.ChatCompletions, answer.StreamOptions{PublicModel: "public"})
	for {
		ev, err := events.Next()
		if err != nil {
			break
		}
		fmt.Printf("%s", stream.Event(nil, ev))
	}
	used := stream.Tally().Usage
	fmt.Println(used.Input, used.Output, stream.Complete())
	// Output:
	// data: {"model":"public","choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}]}
	//
	// data: [DONE]
	//
	// 9 1 true
}
