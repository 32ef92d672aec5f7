package redis

import "strings"

// hashTag makes a model's name safe between the braces of a hash tag: a brace
// of its own would end the tag early.
var hashTag = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D")

// replicasKey names the hash of the replicas that serve a model.
func replicasKey(model string) string { return "token:concurrent:{" + hashTag.Replace(model) + "}" }

// modelKey names the account of a model over all its users. It has no colon
// after the braces, so no user's account can have the same name.
func modelKey(model string) string { return "token:usage:{" + hashTag.Replace(model) + "}" }

// userKey names the account of a user, of the model whose own is modelKey.
func userKey(modelKey, user string) string { return modelKey + ":" + user }
