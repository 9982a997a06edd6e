//sim:deterministic
package bank
