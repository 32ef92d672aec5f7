// Package vllm knows the members of requests that vLLM, and other servers of its kind, take
// beyond those of OpenAI and Anthropic: on every endpoint, for chat templates, and on the
// endpoints that count input and generate nothing.
package vllm
