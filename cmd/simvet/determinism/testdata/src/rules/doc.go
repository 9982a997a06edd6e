// Package rules has something for each rule.
//
//sim:deterministic
package rules
