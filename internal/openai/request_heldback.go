package openai

// HeldBackFields returns the names of the members that are refused unless
// [ParseOptions.AllowFields] lists them: what they do to a request's cost, or to
// its turn before others, cannot be seen from the body.
//
//   - priority (other than 0) overtakes other users' requests;
//   - background (true) generates after the answer, unmetered;
//   - kv_transfer_params and ec_transfer_params name caches of other servers;
//   - vllm_xargs reaches extensions and plug-ins of the model server;
//   - prompt_embeds, also as a part of a message, is input that has no text;
//   - data_parallel_rank picks the engine, past the load balancing;
//   - previous_response_id prepends a conversation that the model server has
//     stored, whoever's it is.
func HeldBackFields() []string {
	return []string{
		"priority", "background", "kv_transfer_params", "ec_transfer_params", "vllm_xargs",
		"prompt_embeds", "data_parallel_rank", "previous_response_id",
	}
}

// heldBack refuses the member that is about to be passed over, whose value is
// not its harmless one, unless it is allowed.
func (p *parse) heldBack(name string) {
	if p.err == nil && !p.options.allows(name) {
		p.reject(InvalidRequest(name, "%s is held back here, because it changes what a request costs or when it runs: "+
			"leave it out, or ask the operator to list it in the model's allow-fields", name))
	}
}

// heldBackUnlessNull reads a member that only null makes harmless.
func (p *parse) heldBackUnlessNull(name []byte) {
	if p.err == nil && !p.isNull() {
		p.heldBack(string(name))
	}
	p.skip()
}

// priority reads the member of that name; 0 is what everyone has.
func (p *parse) priority() {
	if p.options.allows("priority") {
		p.skip()
		return
	}
	if v, ok := p.integer("priority", anyInteger); ok && v != 0 {
		p.heldBack("priority")
	}
}

// background reads the member of that name.
func (p *parse) background() {
	if p.boolean("background").isTrue {
		p.heldBack("background")
	}
}
