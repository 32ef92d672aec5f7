// Package image_test builds the images without an engine, by buildah, looks at what is in
// them, and runs the program that is in them as a container would: as their user, with nothing
// else of the system to see, and with nothing that can be written.
package image_test
