//sim:deterministic
package pool
