package books

import (
	"strings"

	"github.com/token-rate-limiter/token-rate-limiter/internal/mockvllm"
)

var english = strings.Fields("The limits of a model are kept in windows that roll on with time, and every request is " +
	"priced before it goes out, because nobody can know how long an answer will be. When it is done we settle: exactly once, 17 tokens (or more).")

var korean = strings.Fields("모든 요청은 보내기 전에 값을 매기고 답이 끝나면 정확히 한 번 정산한다. 한도는 시간이 흐르면 다시 열리고 아무도 그 길이를 미리 알지 못한다.")

// The stand-in's own words: users write like what they are answered.
var (
	generated       = strings.Fields(mockvllm.Text(mockvllm.Latin, 50, 400))
	generatedKorean = strings.Fields(mockvllm.Text(mockvllm.Korean, 50, 400))
)

// text draws n words.
func (p planner) text(hangul bool, n int) string {
	lists := [][]string{english, generated}
	if hangul {
		lists = [][]string{korean, generatedKorean}
	}
	words := make([]string, n)
	for i := range words {
		list := lists[p.IntN(2)]
		words[i] = list[p.IntN(len(list))]
	}
	return strings.Join(words, " ")
}
