// Package s3env opens stores in buckets as the environment says, for commands and small
// programs: from a URL and the usual variables of AWS, without the package config of the SDK.
//
// [Open] takes the URL, s3://bucket/prefix, and returns a store. [NewClient] makes the client alone,
// for programs that open it with [s3.Open] themselves. Neither the ones nor the others have to import
// the SDK, so that the packages below persist/s3 stay the only ones that do.
//
// # Variables
//
//	AWS_ACCESS_KEY_ID        who asks: both are needed
//	AWS_SECRET_ACCESS_KEY
//	AWS_SESSION_TOKEN        with credentials that expire; they are not renewed
//	AWS_REGION               where the bucket is; or AWS_DEFAULT_REGION. With an endpoint us-east-1 if
//	                         both are empty
//	AWS_ENDPOINT_URL_S3      the URL of a server that is not that of AWS; or AWS_ENDPOINT_URL. Buckets
//	                         are then part of the path
//
// Profiles, roles of machines and the like are not known here. What the command line of AWS knows of
// them becomes variables with
//
//	eval "$(aws configure export-credentials --format env)"
//
// A program that has to renew its credentials makes a client with the package config of the SDK,
// and opens the store with [s3.Open].
//
// Errors that the environment is to blame for wrap persist.ErrUsage and name the variable, never its
// contents.
package s3env
