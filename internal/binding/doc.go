// Package binding binds YAML to the variables of a program, and knows no program.
//
// [Parse] turns a file into a tree of [Node] with places, [Merge] lays one tree over another,
// an [Interpolation] fills in environment variables, and a [Target] (an [Object] of fields
// down to a [Scalar]) sets the variables. Targets encode, too: [Print] and [Flat] say what is
// set, and [Differing] what changed. It reads no files: the program gives bytes.
//
// Invariants:
//   - A [Report] has all mistakes together, each with its place, key, value and remedy. What
//     cannot be read is left out of the tree, and the rest is looked at.
//   - A key is known to its object, or it is a mistake; the nearest known key is named.
//   - A variable is filled into values only: it cannot become syntax.
//   - No secret is printed, neither by Print nor in a mistake.
//   - What is printed reads again as what was bound, once the masks are replaced.
//   - Reading is bounded in time and memory whatever the bytes: file size, keys of maps,
//     nesting and the expansion of aliases have limits.
//
// Nothing here is shared between goroutines: a tree, a report and targets belong to one.
package binding
