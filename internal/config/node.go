package config

import (
	"fmt"
	"strings"
)

// kind tells what a node of the tree is.
type kind uint8

const (
	emptyKind  kind = iota // nothing written after the key
	nullKind               // null or ~: the setting is left out on purpose
	scalarKind             // text, also of numbers and booleans
	listKind
	mapKind
	brokenKind // a mistake was reported for it
)

// String names the kind as messages do.
func (k kind) String() string {
	return [...]string{"nothing", "null", "a single value", "a list", "a map", "broken"}[k]
}

// position is a place in a file; lines and columns count from 1.
type position struct {
	file         string
	line, column int
}

// String returns file:line:column.
func (p position) String() string { return fmt.Sprintf("%s:%d:%d", p.file, p.line, p.column) }

// node is a value of a configuration file, free of the YAML library's types.
// Typing is left to the schema: a scalar is its text.
type node struct {
	kind   kind
	at     position
	text   string  // of a scalar
	source string  // what a scalar was before variables were filled in; "" if that changed nothing
	hidden string  // of a secret that is printed: its value, for comparisons
	items  []*node // of a list
	fields []entry // of a map, in the order of the file
	index  map[string]int
	// moved is the path that the value was written under, where an alias has
	// carried it elsewhere.
	moved path
}

// entry is one key of a map.
type entry struct {
	key   string
	at    position
	value *node
}

// get returns the value of a key, or nil; nil too when n is not a map.
func (n *node) get(key string) *node {
	if e := n.entry(key); e != nil {
		return e.value
	}
	return nil
}

func (n *node) entry(key string) *entry {
	if n == nil || n.kind != mapKind {
		return nil
	}
	i, ok := n.index[key]
	if !ok {
		return nil
	}
	return &n.fields[i]
}

// find descends through maps; nil where a key is missing.
func (n *node) find(keys ...string) *node {
	for _, k := range keys {
		n = n.get(k)
	}
	return n
}

// nearest returns the place of what keys lead to, or of the last of them that there is.
func (n *node) nearest(keys ...string) position {
	at := n.at
	for _, k := range keys {
		e := n.entry(k)
		if e == nil {
			break
		}
		n, at = e.value, e.at
	}
	return at
}

// pathOf returns where people wrote what keys lead to, or would.
func (n *node) pathOf(keys []string) path {
	if there := n.find(keys...); there != nil {
		return there.path(joined(keys))
	}
	return joined(keys)
}

// set adds or replaces a key of a map.
func (n *node) set(e entry) {
	if i, ok := n.index[e.key]; ok {
		n.fields[i] = e
		return
	}
	if n.index == nil {
		n.index = map[string]int{}
	}
	n.index[e.key] = len(n.fields)
	n.fields = append(n.fields, e)
}

// drop removes a key of a map.
func (n *node) drop(key string) {
	i, ok := n.index[key]
	if !ok {
		return
	}
	n.fields = append(n.fields[:i:i], n.fields[i+1:]...)
	delete(n.index, key)
	for j := i; j < len(n.fields); j++ {
		n.index[n.fields[j].key] = j
	}
}

// given reports whether a value was written, be it empty.
func (n *node) given() bool { return n != nil && n.kind != nullKind && n.kind != emptyKind }

// path is a key path as people write it: `token.rate-limit.models["gpt-3.5"]`.
type path string

// key returns the path of a key below p. Keys that are not plain words are
// quoted, so that a dot in a model's name is not mistaken for a step.
func (p path) key(name string) path {
	switch {
	case !plainKey(name):
		return p + path("["+quote(name)+"]")
	case p == "":
		return path(name)
	}
	return p + "." + path(name)
}

func plainKey(name string) bool {
	return name != "" && strings.IndexFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && !(r >= '0' && r <= '9') && r != '-' && r != '_'
	}) < 0
}
