package request

import "github.com/token-rate-limiter/token-rate-limiter/internal/wire/jsonscan"

// videoFrames is how many pictures a video counts as: the number of frames that vLLM samples by
// default (num_frames of its VideoMediaIO).
const videoFrames = 32

// itemKind is what the type of a part says that it is.
type itemKind uint8

const (
	plainKind itemKind = iota // no type is told
	messageKind
	textKind
	imageKind
	videoKind
	audioKind
	otherKind // anything else
)

// kinds has the types that parts have. They are the protocol's own words: like the names of its
// members they are no text.
var kinds = map[string]itemKind{
	"message": messageKind,
	"text":    textKind, "input_text": textKind,
	"image_url": imageKind, "input_image": imageKind, "image": imageKind, "image_pil": imageKind,
	"image_embeds": imageKind,
	"video_url":    videoKind, "video": videoKind, "input_video": videoKind,
	"input_audio": audioKind, "audio_url": audioKind, "audio_embeds": audioKind,
	"audio":    audioKind,
	"function": otherKind, "function_call": otherKind, "function_call_output": otherKind,
	"output_text": otherKind, "reasoning": otherKind, "reasoning_text": otherKind,
	"summary_text": otherKind, "thinking": otherKind, "tool_use": otherKind,
	"tool_result": otherKind, "refusal": otherKind,
}

// mediaName is a member that holds media where the part's type is that of its kind.
type mediaName struct {
	kind   itemKind
	embeds bool // tensors, whose size tells the tokens
	plain  bool // base64 may come without "data:" before it
	bare   bool // a part of a message may have it without a type: parts of that form are vLLM's own
}

var mediaNames = map[string]mediaName{
	"image_url":    {kind: imageKind, bare: true},
	"image_pil":    {kind: imageKind, plain: true, bare: true},
	"image":        {kind: imageKind, plain: true},
	"source":       {kind: imageKind, plain: true},
	"image_embeds": {kind: imageKind, plain: true, embeds: true, bare: true},
	"video_url":    {kind: videoKind, bare: true},
	"video":        {kind: videoKind},
	"input_audio":  {kind: audioKind, plain: true, bare: true},
	"audio_url":    {kind: audioKind, bare: true},
	"audio_embeds": {kind: audioKind, plain: true, embeds: true, bare: true},
}

// mediaMembers is what a part has of media: whether a member is one can be told when all are
// known, for the type may come last.
type mediaMembers struct {
	kind   itemKind
	isPart bool // it stands where vLLM takes parts without a type
	uuid   jsonscan.Extent
	some   int      // members that are not null
	null   itemKind // of a member that is; of several that of a video, which costs the most
	// waiting are those that came before the type. Where there are more than any part has, they
	// count at once, as if misplaced.
	waiting [2]struct {
		mediaName
		jsonscan.Extent
	}
	waits int
}

// kind reads the member "type".
func (p *parse) kind(m *mediaMembers) {
	p.in.Words += int64(len("type")) + punctuation
	isNull := p.IsNull()
	if !isNull {
		m.kind = otherKind
	}
	if isNull || p.Peek() != '"' {
		p.rendered()
		return
	}
	raw, inner := p.Decoded()
	switch kind, ok := kinds[string(inner)]; {
	case ok:
		m.kind = kind
		p.in.Words += int64(len(inner))
	case string(inner) == "prompt_embeds":
		p.held |= heldEmbeds
	case string(inner) == "tool_reference":
		p.tooling.named++
		p.in.Words += int64(len(inner))
	default:
		p.in.Words += p.in.Optional.AddJSON(raw)
		p.in.Optional.End()
	}
}

// mediaMember reads a member of a part, and reports whether it may be a picture, a video or a
// recording.
func (p *parse) mediaMember(m *mediaMembers, name []byte) bool {
	media, ok := mediaNames[string(name)]
	if !ok {
		return false
	}
	p.in.Words += int64(len(name)) + punctuation
	if p.IsNull() {
		p.Skip()
		if m.null != videoKind {
			m.null = media.kind
		}
		return true
	}
	m.some++
	if media.embeds {
		p.held |= heldAs(name)
	}
	switch {
	case m.kind == media.kind:
		p.media(media, &p.Cursor)
	case m.kind == plainKind && m.waits < len(m.waiting):
		m.waiting[m.waits].mediaName, m.waiting[m.waits].Extent = media, p.Value()
		m.waits++
	default:
		p.misplaced(media, p.Raw())
	}
	return true
}

// finishMedia counts the media of a part, now that its type is known. Where the type is that of
// another kind, or is missing and nobody reads media without one, a model server may take the
// member for media or for nothing, and a template may print it. It then counts as both.
func (p *parse) finishMedia(m *mediaMembers) {
	if p.Bad {
		return
	}
	for i := range m.waiting[:m.waits] {
		w := &m.waiting[i]
		if m.kind == w.kind || m.kind == plainKind && m.isPart && w.bare {
			p.media(w.mediaName, &jsonscan.Cursor{Text: p.Text[:w.End], At: w.Start})
		} else {
			p.misplaced(w.mediaName, w.Of(p.Text))
		}
	}
	if !m.uuid.IsSet() || p.Text[m.uuid.Start] == 'n' {
		return
	}
	if m.some == 0 { // one that the model server has in its cache
		p.countMedia(mediaName{kind: max(m.null, imageKind)})
	}
	p.small(m.uuid.Of(p.Text))
}

// misplaced counts a member that has the name of media in a part that is none.
func (p *parse) misplaced(m mediaName, raw []byte) {
	p.in.print(raw)
	p.countMedia(m)
	if m.embeds {
		p.in.Images += embeds(len(raw))
	}
}

// countMedia counts one of that kind, of a length that is not known.
func (p *parse) countMedia(m mediaName) {
	switch m.kind {
	case imageKind:
		p.in.Images++
	case videoKind:
		p.in.Images += videoFrames
	default:
		p.in.AudioParts++
	}
}

// media reads media in its place: a URL or data, or an object with one of them. Media counts by
// number, never as text: the model server decodes it, and its declared price stands for what is put
// into the prompt. It may be megabytes of base64.
func (p *parse) media(m mediaName, c *jsonscan.Cursor) {
	p.countMedia(m)
	c.Peek()
	start := c.At
	switch kind := c.Peek(); {
	case kind == '"':
		p.reference(m, c)
	case kind == '{':
		for name, ok := c.First(); ok; name, ok = c.Member() {
			p.mediaPart(m, name, c)
		}
	case kind == '[' && m.embeds:
		c.Enter('[')
		for c.Element() {
			p.tensor(m, c)
		}
	default:
		p.in.print(c.Raw())
	}
	if m.embeds {
		p.in.Images += embeds(c.At - start)
	}
}

// mediaPart reads a member of an object that is media.
func (p *parse) mediaPart(m mediaName, name []byte, c *jsonscan.Cursor) {
	p.in.Words += int64(len(name)) + punctuation
	switch s := string(name); {
	case s == "url" && c.Peek() == '"':
		p.reference(m, c)
	case s == "data" && c.Peek() == '"':
		p.reference(mediaName{kind: m.kind, plain: true}, c)
	case s == "detail" || s == "format" || s == "media_type" || s == "type":
		p.small(c.Raw())
	default:
		if c.Peek() != 'n' {
			p.held |= heldAs(name) & (heldMostPatches | heldLeastPatches)
		}
		p.in.print(c.Name.Of(c.Text))
		p.tensor(m, c)
	}
}

// tensor reads what may be one of several tensors.
func (p *parse) tensor(m mediaName, c *jsonscan.Cursor) {
	if m.embeds && c.Peek() == '"' {
		p.reference(m, c)
	} else {
		p.in.print(c.Raw())
	}
}

// smallMax is the length of the longest value beside media whose tokens the declared price of the
// media covers in any case.
const smallMax = 64

// small counts a value beside media.
func (p *parse) small(raw []byte) {
	p.in.Words += int64(len(raw))
	if len(raw) > smallMax {
		p.in.print(raw)
	}
}

// reference reads a URL or data. What is neither counts as text.
func (p *parse) reference(m mediaName, c *jsonscan.Cursor) {
	raw, inner := c.Decoded()
	if !isReference(inner, m.plain) {
		p.in.Words += p.in.Optional.AddJSON(raw)
		p.in.Optional.End()
		return
	}
	switch {
	case m.kind == videoKind:
		p.in.Images += max(0, frames(inner)-videoFrames)
	case m.kind == audioKind && !m.embeds:
		if s := audioSeconds(inner); s > 0 {
			p.in.AudioSeconds += s
			p.in.AudioTimed++
		}
	}
}

// embedBytes is how many bytes of tensors count as one picture: a token of the smallest models
// has 1.8 kB of numbers, and a picture a price of a thousand tokens.
const embedBytes = 1 << 20

// embeds returns how many pictures tensors of so many bytes count as, beside the first.
func embeds(size int) int64 { return int64(size / embedBytes) }
