//go:build agentidp_static

package main

// loader is how the SDK's library gets into the process.
const loader = "cgo"
