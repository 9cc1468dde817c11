// Package yamlscan looks at YAML that somebody else wrote before the YAML library builds a tree of it, and keeps a
// fault of that library from ending the process. It owns how large such a text may be, and knows nothing of what it
// says.
package yamlscan
