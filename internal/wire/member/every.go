package member

// every are the members that every endpoint has.
var every = []Row{
	Overridden.By(ReadModel, "model", "the model server's own name of the model is written"),
	Overridden.By(ReadLeftOut, "request_id rid",
		"the gateway's X-Request-ID names the request; two of a name disturb each other"),
	Overridden.By(ReadLeftOut, "session_id", "a label to some servers, and to others the name of "+
		"what they have stored, whoever's it is"),
	Passed.Of("user safety_identifier metadata service_tier custom_id",
		"labels, which no prompt has"),
	Passed.Of("cache_salt extra_key prompt_cache_key prompt_cache_options prompt_cache_retention",
		"which requests share cached prefixes; cached tokens are charged like others"),
}

// held are held back on every endpoint.
var held = []Row{
	HeldBack.By(ReadPriority, "priority",
		"it overtakes other users' requests; 0 is what everyone has"),
	HeldBack.By(ReadBackground, "background",
		"it generates after the answer, unmetered; false does nothing"),
	HeldBack.Of("kv_transfer_params ec_transfer_params bootstrap_host bootstrap_port "+
		"bootstrap_room", "they name caches of other servers"),
	HeldBack.Of("data_parallel_rank routed_dp_rank disagg_prefill_dp_rank id_slot",
		"they pick the engine or its slot, past the load balancing"),
	HeldBack.Of("vllm_xargs custom_params custom_logit_processor logits_processors",
		"they reach extensions and code of the model server"),
	HeldBack.Of("previous_response_id conversation session_params",
		"they prepend what the model server has stored, whoever's it is"),
	HeldBack.By(ReadEmbeds, "prompt_embeds input_embeds", "input that has no text"),
	HeldBack.Of("image_embeds audio_embeds", "tensors in the place of media, in parts of "+
		"messages: a few bytes may stand for a prompt as long as the context"),
	HeldBack.Of("input_ids", "input that takes the place of the messages"),
	HeldBack.Of("mm_processor_kwargs media_io_kwargs images_config max_dynamic_patch "+
		"min_dynamic_patch use_audio_in_video", "they change how many tokens a picture or a "+
		"recording has; the patches also beside its address"),
	HeldBack.Of("lora_path lora", "they pick another model than the one that is limited"),
	HeldBack.Of("n_predict num_predict max_new_tokens max_length",
		"output caps of some servers, which overrule the usual one: give that one"),
	HeldBack.Of("n_cmpl", "the number of answers of some servers, which overrules n: give n"),
	HeldBack.Of("n_keep n_discard t_max_predict_ms ngram_corpus_id",
		"they change how the engine works, on some servers"),
	HeldBack.Of("options keep_alive", "they reload or unload the model, for everybody"),
	HeldBack.Of("response_fields", "it leaves members out of the answer, also the usage"),
	HeldBack.Of("chat_format chat_parser",
		"they change how the server reads its own output, and so which events come"),
	HeldBack.Of("custom_labels", "they change what the model server's metrics tell"),
	HeldBack.Of("_debug_render_only", "it answers with the template instead of a generation"),
}

// template are what a chat template is called with, beside the messages.
var template = []Row{
	Priced.By(ReadTools, "tools functions", "tools, as the template shows them"),
	Passed.Of("add_generation_prompt continue_final_message",
		"which fixed words the template writes"),
}

// arguments are for endpoints whose prompts a chat template makes. A template of the client's own
// is a program that prints as much as it likes.
var arguments = []Row{
	HeldBack.Of("chat_template",
		"a program, whose output has no bound; also in chat_template_kwargs"),
	HeldBack.Of("padding",
		"it makes a prompt as long as the context; also in chat_template_kwargs"),
	Priced.By(ReadTemplateArguments, "chat_template_kwargs", "what the template is called with"),
}
