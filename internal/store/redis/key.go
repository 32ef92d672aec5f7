package redis

import "strings"

// Keys of Redis are an injective encoding of what they are about, whatever characters
// names have: what a key is about can be read off it.
//
//	token:usage:{MODEL}          the account of the model
//	token:usage:{MODEL}:USER     the account of a user of it
//	token:usage:{MODEL}/...      for tenants, and their users
//	token:usage:{MODEL}.users    who has an account of the model
//	token:usage:{MODEL}.try      what commands are tried on; see rehearsal
//	token:concurrent:{MODEL}     the replicas that serve it
//
// MODEL has no brace, so the first closing one ends it. What follows says which kind of
// account it is, by its first character: nothing, or a colon, behind which all bytes are
// the user's name, as they are; a dot begins what is no account. So no name of a user can
// reach what is of another kind.

// hashTag makes a model's name safe between the braces of a hash tag: a brace
// of its own would end the tag early.
var hashTag = strings.NewReplacer("%", "%25", "{", "%7B", "}", "%7D")

func replicasKey(model string) string { return "token:concurrent:{" + hashTag.Replace(model) + "}" }

func modelKey(model string) string { return "token:usage:{" + hashTag.Replace(model) + "}" }

// usersKey names the list of users of the model whose account is modelKey.
func usersKey(modelKey string) string { return modelKey + ".users" }

// userKey names the account of a user, of the model whose own is modelKey.
func userKey(modelKey, user string) string { return modelKey + ":" + user }
