package openai

// everyRows are the members that every endpoint has.
var everyRows = []row{
	Overridden.by(paramModel, "model",
		"the model server's own name of the model is written"),
	Overridden.by(paramLeftOut, "request_id rid",
		"the gateway's X-Request-ID names the request; two of a name disturb each other"),
	Overridden.by(paramLeftOut, "session_id",
		"a label to some servers, and to others the name of what they have stored, whoever's it is"),
	Passed.of("user safety_identifier metadata service_tier custom_id",
		"labels, which no prompt has"),
	Passed.of(
		"cache_salt extra_key prompt_cache_key prompt_cache_options prompt_cache_retention",
		"which requests share cached prefixes; cached tokens are charged like others"),
}

// heldRows are held back on every endpoint.
var heldRows = []row{
	HeldBack.by(paramPriority, "priority",
		"it overtakes other users' requests; 0 is what everyone has"),
	HeldBack.by(paramBackground, "background",
		"it generates after the answer, unmetered; false does nothing"),
	HeldBack.of(
		"kv_transfer_params ec_transfer_params bootstrap_host bootstrap_port bootstrap_room",
		"they name caches of other servers"),
	HeldBack.of("data_parallel_rank routed_dp_rank disagg_prefill_dp_rank id_slot",
		"they pick the engine or its slot, past the load balancing"),
	HeldBack.of("vllm_xargs custom_params custom_logit_processor logits_processors",
		"they reach extensions and code of the model server"),
	HeldBack.of("previous_response_id conversation session_params",
		"they prepend what the model server has stored, whoever's it is"),
	HeldBack.by(paramEmbeds, "prompt_embeds input_embeds", "input that has no text"),
	HeldBack.of("image_embeds audio_embeds",
		"tensors in the place of media, in parts of messages: a few bytes may stand for a prompt as long as the context"),
	HeldBack.of("input_ids", "input that takes the place of the messages"),
	HeldBack.of(
		"mm_processor_kwargs media_io_kwargs images_config max_dynamic_patch min_dynamic_patch "+
			"use_audio_in_video",
		"they change how many tokens a picture or a recording has; the patches also beside its address"),
	HeldBack.of("lora_path lora", "they pick another model than the one that is limited"),
	HeldBack.of("n_predict num_predict max_new_tokens max_length",
		"output caps of some servers, which overrule the usual one: give that one"),
	HeldBack.of("n_cmpl",
		"the number of answers of some servers, which overrules n: give n"),
	HeldBack.of("n_keep n_discard t_max_predict_ms ngram_corpus_id",
		"they change how the engine works, on some servers"),
	HeldBack.of("options keep_alive", "they reload or unload the model, for everybody"),
	HeldBack.of("response_fields", "it leaves members out of the answer, also the usage"),
	HeldBack.of("chat_format chat_parser",
		"they change how the server reads its own output, and so which events come"),
	HeldBack.of("custom_labels", "they change what the model server's metrics tell"),
	HeldBack.of("_debug_render_only",
		"it answers with the template instead of a generation"),
}

// templateRows are what a chat template is called with, beside the messages.
var templateRows = []row{
	Priced.by(paramTools, "tools functions", "tools, as the template shows them"),
	Passed.of("add_generation_prompt continue_final_message",
		"which fixed words the template writes"),
}

// argumentRows are for endpoints whose prompts a chat template makes. A template of the
// client's own is a program that prints as much as it likes.
var argumentRows = []row{
	HeldBack.of("chat_template",
		"a program, whose output has no bound; also in chat_template_kwargs"),
	HeldBack.of("padding",
		"it makes a prompt as long as the context; also in chat_template_kwargs"),
	Priced.by(paramTemplateArguments, "chat_template_kwargs",
		"what the template is called with"),
}
