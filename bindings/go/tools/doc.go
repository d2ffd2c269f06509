// Package tools pins what the module is checked with; its users never download it.
package tools
