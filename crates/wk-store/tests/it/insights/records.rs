//! Records of our own making.

use crate::world::World;

/// Five calls to two services.
pub(super) const TRAIL: &str = r#"{"Records":[
{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"ana","principalId":"AIDA1"},"eventTime":"2026-11-20T10:00:00Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.10","userAgent":"aws-cli/2","requestParameters":{"bucketName":"payroll","key":"a.csv"},"responseElements":null,"requestID":"r1","eventID":"11111111-1111-4111-8111-111111111111","readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"111122223333"},
{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","accessKeyId":"AKIAEXAMPLE1","userName":"ana","principalId":"AIDA1"},"eventTime":"2026-11-20T10:01:00Z","eventSource":"s3.amazonaws.com","eventName":"DeleteObject","awsRegion":"eu-west-1","sourceIPAddress":"192.0.2.10","userAgent":"aws-cli/2","requestParameters":{"bucketName":"payroll","key":"b.csv"},"responseElements":null,"requestID":"r2","eventID":"22222222-2222-4222-8222-222222222222","readOnly":false,"errorCode":"AccessDenied","errorMessage":"no","eventType":"AwsApiCall","recipientAccountId":"111122223333"},
{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ops/bo","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE2","principalId":"AROA2:bo"},"eventTime":"2026-11-20T10:06:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"console","requestParameters":{"instanceType":"m5.large","maxCount":10,"items":[{"id":"i-1"},{"id":"i-2"}]},"responseElements":{"n":2},"requestID":"r3","eventID":"33333333-3333-4333-8333-333333333333","readOnly":false,"eventType":"AwsApiCall","recipientAccountId":"111122223333"},
{"eventVersion":"1.08","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::111122223333:assumed-role/ops/bo","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE2","principalId":"AROA2:bo"},"eventTime":"2026-11-20T10:07:00Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"198.51.100.7","userAgent":"console","requestParameters":{"instanceType":"m5.large","maxCount":9},"responseElements":null,"requestID":"r4","eventID":"44444444-4444-4444-8444-444444444444","readOnly":false,"errorCode":"UnauthorizedOperation","errorMessage":"denied","eventType":"AwsApiCall","recipientAccountId":"111122223333"},
{"eventVersion":"1.08","userIdentity":{"type":"Root","arn":"arn:aws:iam::444455556666:root","accountId":"444455556666","principalId":"444455556666"},"eventTime":"2026-11-21T00:00:00Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"203.0.113.9","userAgent":"Mozilla","requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},"requestID":"r5","eventID":"55555555-5555-4555-8555-555555555555","readOnly":false,"eventType":"AwsConsoleSignIn","recipientAccountId":"444455556666","additionalEventData":{"MFAUsed":"No"}}
]}"#;

/// Flow log lines: two accepted, two rejected, one without data.
pub(super) const FLOWS: &str = "version account-id interface-id srcaddr dstaddr srcport dstport protocol packets bytes start end action log-status
2 111122223333 eni-0a 10.0.1.100 10.0.1.200 49152 443 6 10 4000 1763632800 1763632860 ACCEPT OK
2 111122223333 eni-0a 10.0.1.100 192.0.2.50 49153 443 6 2 96 1763632800 1763632805 ACCEPT OK
2 111122223333 eni-0b 198.51.100.9 10.0.1.200 40000 22 6 1 40 1763632900 1763632960 REJECT OK
2 111122223333 eni-0b 198.51.100.9 10.0.1.200 40001 3389 6 1 44 1763632900 1763632960 REJECT OK
2 111122223333 eni-0c - - - - - - - 1763632900 1763632960 - NODATA
";

/// A function's log and an application's, as a subscription delivers them.
pub(super) const LOGS: &str = r#"{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/aws/lambda/pay","logStream":"2026/11/20/[$LATEST]ab","subscriptionFilters":["f"],"logEvents":[
{"id":"1","timestamp":1763632800000,"message":"START RequestId: 11111111-aaaa-4aaa-8aaa-111111111111 Version: 1\n"},
{"id":"2","timestamp":1763632801000,"message":"REPORT RequestId: 11111111-aaaa-4aaa-8aaa-111111111111\tDuration: 250.50 ms\tBilled Duration: 251 ms\tMemory Size: 128 MB\tMax Memory Used: 100 MB\tInit Duration: 300.25 ms\t\n"},
{"id":"3","timestamp":1763632861000,"message":"REPORT RequestId: 22222222-aaaa-4aaa-8aaa-222222222222\tDuration: 10.00 ms\tBilled Duration: 10 ms\tMemory Size: 128 MB\tMax Memory Used: 50 MB\t\n"}]}
{"messageType":"DATA_MESSAGE","owner":"111122223333","logGroup":"/app/shop","logStream":"web-1","subscriptionFilters":["f"],"logEvents":[
{"id":"4","timestamp":1763632810000,"message":"{\"level\":\"ERROR\",\"status\":500,\"ip\":\"192.0.2.1\",\"server\":\"i-10\",\"user\":{\"name\":\"ana\"},\"tags\":[\"x\",\"y\"],\"requestId\":\"q1\"}"},
{"id":"5","timestamp":1763632820000,"message":"{\"level\":\"INFO\",\"status\":200,\"ip\":\"192.0.2.2\",\"server\":\"i-9\",\"user\":{\"name\":\"bo\"},\"tags\":[\"z\"],\"requestId\":\"q2\"}"},
{"id":"6","timestamp":1763632830000,"message":"{\"level\":\"INFO\",\"status\":404,\"ip\":\"192.0.2.1\",\"server\":\"i-9\",\"requestId\":\"q3\"}"},
{"id":"7","timestamp":1763632840000,"message":"10:00:40 [WARN] user=ana7, method:PUT, latency := 12"},
{"id":"8","timestamp":1763632841000,"message":"10:00:41 [WARN] user=bo8, method:PUT, latency := 30"}]}"#;

/// A lake of all of them.
pub(super) fn lake() -> World {
    World::of(&[("cloudtrail", TRAIL), ("vpcflow", FLOWS), ("applog", LOGS)])
}
