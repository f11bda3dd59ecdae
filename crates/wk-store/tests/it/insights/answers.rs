//! What commands answer, and what is refused.

use wk_model::Timestamp;
use wk_store::query::AskOptions;

use super::records::lake;

/// Query, answer as CSV.
const CASES: &[(&str, &str)] = &[
    // Fields of CloudTrail, by name, by path, by column of JSON.
    (
        "fields eventName, userIdentity.arn, requestParameters.bucketName as bucket | filter eventName like /Object$/ | sort eventName",
        "eventName,userIdentity.arn,bucket\nDeleteObject,arn:aws:iam::111122223333:user/ana,payroll\nGetObject,arn:aws:iam::111122223333:user/ana,payroll\n",
    ),
    (
        "filter requestParameters.items.1.id = 'i-2' | display eventName, requestID",
        "eventName,requestID\nRunInstances,r3\n",
    ),
    // Newest first, and a limit.
    ("fields requestID | filter ispresent(eventName) | limit 2", "requestID\nr5\nr4\n"),
    (
        "fields requestID | filter ispresent(eventName) | sort @timestamp asc | limit 2",
        "requestID\nr1\nr2\n",
    ),
    // A missing value is neither equal nor unequal; `not` of that is a yes.
    ("filter errorCode != 'AccessDenied' | fields requestID", "requestID\nr4\n"),
    (
        "filter not (errorCode = 'AccessDenied') | fields requestID | sort requestID",
        "requestID\nr1\nr3\nr4\nr5\n",
    ),
    ("filter readOnly = 'true' | fields requestID", "requestID\nr1\n"),
    ("filter requestParameters.maxCount > 9 | fields requestID", "requestID\nr3\n"),
    (
        "filter eventSource in ['ec2.amazonaws.com'] and errorCode like 'Unauth' | fields requestID",
        "requestID\nr4\n",
    ),
    (
        "filter eventName not like /(?i)object|login/ | fields requestID | sort requestID",
        "requestID\nr3\nr4\n",
    ),
    // stats.
    (
        "stats count(*) as n, count(errorCode) as bad, bad/n*100 as pct by eventSource | sort n desc, eventSource",
        "eventSource,n,bad,pct\nec2.amazonaws.com,2,1,50.0\ns3.amazonaws.com,2,1,50.0\nsignin.amazonaws.com,1,0,0.0\n",
    ),
    (
        "filter ispresent(eventName) | stats count(*) by bin(5m) | sort bin(5m) desc",
        "bin(5m),count(*)\n2026-11-21T00:00:00Z,1\n2026-11-20T10:05:00Z,2\n2026-11-20T10:00:00Z,2\n",
    ),
    (
        "stats count() by eventName | sort count desc | limit 1",
        "eventName,count()\nRunInstances,2\n",
    ),
    (
        "stats sum(errorCode = 'AccessDenied') as denied, count_distinct(userIdentity.arn) as who",
        "denied,who\n1,3\n",
    ),
    (
        "stats count(*) as n by userIdentity.arn as who, eventName | stats max(n) as most, count(*) as kinds by who | sort most desc, who",
        "who,most,kinds\narn:aws:sts::111122223333:assumed-role/ops/bo,2,1\narn:aws:iam::111122223333:user/ana,1,2\narn:aws:iam::444455556666:root,1,1\n",
    ),
    (
        "stats earliest(requestID) as a, latest(requestID) as b by eventSource | filter a != b | sort a",
        "eventSource,a,b\ns3.amazonaws.com,r1,r2\nec2.amazonaws.com,r3,r4\n",
    ),
    // Flow logs, in either spelling.
    (
        "filter action = 'REJECT' | stats sum(bytes) as b, count(*) as n by srcAddr, dstPort | sort b desc",
        "srcAddr,dstPort,b,n\n198.51.100.9,3389,44,1\n198.51.100.9,22,40,1\n",
    ),
    (
        "fields dstport, (end - start) as duration | filter (end - start) > 30 and protocol = 6 | sort dstport",
        "dstport,duration\n22,60\n443,60\n3389,60\n",
    ),
    (
        "filter not srcaddr like /^10\\./ | stats count(*) by interfaceId",
        "interfaceId,count(*)\neni-0b,2\neni-0c,1\n",
    ),
    (
        "filter isIpv4InSubnet(srcAddr, '10.0.0.0/16') | stats sum(bytes) as b by dstAddr",
        "dstAddr,b\n10.0.1.200,4000\n192.0.2.50,96\n",
    ),
    // Lambda.
    (
        "filter @type = 'REPORT' | stats max(@memorySize / 1000 / 1000) as mb, avg(@duration) as d, count(@initDuration) as cold by bin(1m)",
        "bin(1m),mb,d,cold\n2025-11-20T10:00:00Z,128.0,250.5,1\n2025-11-20T10:01:00Z,128.0,10.0,0\n",
    ),
    // Any path of an application's log; natural order.
    (
        "SOURCE '/app/shop' | filter ispresent(status) | fields server, status, user.name | sort server, status",
        "server,status,user.name\ni-9,200,bo\ni-9,404,\ni-10,500,ana\n",
    ),
    (
        "SOURCE '/app/shop' | filter status >= 404 | stats count(*) as n by ip",
        "ip,n\n192.0.2.1,2\n",
    ),
    (
        "SOURCE '/app/shop' | fields server, ip | filter ispresent(server) | sort @timestamp asc | dedup ip",
        "server,ip\ni-10,192.0.2.1\ni-9,192.0.2.2\n",
    ),
    (
        "SOURCE '/app/shop' | parse @message 'user=*, method:*, latency := *' as user, method, latency | filter ispresent(user) | stats sum(latency) as l by method",
        "method,l\nPUT,42.0\n",
    ),
    (
        "SOURCE '/app/shop' | parse @message /user=(?<who>[a-z]+)(?<n>\\d)/ | filter n > 7 | display who, n",
        "who,n\nbo,8\n",
    ),
    (
        "SOURCE '/app/shop' | unnest tags into tag | fields tag, status | sort tag",
        "tag,status\nx,500\ny,500\nz,200\n",
    ),
    (
        "SOURCE '/app/shop' | fields jsonParse(@message) as m | filter m.tags[1] = 'y' | display m.user.name",
        "m.user.name\nana\n",
    ),
    // Inner queries and joins.
    (
        "SOURCE '/app/shop' | filter ip in (SOURCE '/app/shop' | filter status = 404 | fields ip) | fields status | sort status",
        "status\n404\n500\n",
    ),
    (
        "SOURCE '/app/shop' | filter ispresent(status) | join type=inner left=a right=b where a.server=b.server (SOURCE '/app/shop' | stats count(*) as n by server) | fields a.requestId, b.n | sort a.requestId",
        "a.requestId,b.n\nq1,1\nq2,2\nq3,2\n",
    ),
    // Patterns.
    (
        "SOURCE '/app/shop' | filter @message like 'method' | pattern @message",
        "@pattern,@sampleCount,@ratio,@severityLabel\n\"<Time-1> [WARN] user=<String-2>, method:PUT, latency := <Number-3>\",2,1.0,WARN\n",
    ),
    ("SOURCE '/aws/cloudtrail/logs' | stats count(*)", "count(*)\n5\n"),
    ("SOURCE dataSource(['amazon_vpc.flow']) | stats count(*)", "count(*)\n5\n"),
];

#[test]
fn queries_are_answered() {
    let world = lake();
    let mut wrong = Vec::new();
    for (query, expected) in CASES {
        match world.ask(query, &world.options()) {
            Ok((csv, _)) if csv == *expected => {}
            Ok((csv, notes)) => {
                wrong.push(format!("{query}\n{csv}{notes:?}\ninstead of\n{expected}"))
            }
            Err(why) => wrong.push(format!("{query}\n{why}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Query, stretches of the reason.
const REFUSED: &[(&str, &[&str])] = &[
    ("fields eventname, requestID", &["1:8", "eventName"]),
    ("filter eventNaem = 'x' | stats count(*) by eventSource", &["1:8", "eventName"]),
    ("fields @timestmap", &["1:8", "@timestamp"]),
    ("fields srcAddr, dstAdr, interfaceId", &["1:17", "dst"]),
    ("stats count(*) as n by eventName | filter m > 1", &["1:43", "n"]),
    ("fields toUper(eventName)", &["1:8", "toupper"]),
    ("filter eventName like /(?<=a)b/", &["1:23", "regular expression"]),
    ("fields eventName | limit 100001", &["1:20", "100000"]),
    ("fields eventName | outlier eventName", &["outlier"]),
    ("fields a | lookup ../../etc/passwd a", &["1:"]),
    ("fields @message | diff", &["--since"]),
    ("stats count(*) as n, max(readOnly) as n by eventName", &["1:39", "called n"]),
];

#[test]
fn mistakes_have_a_place_and_the_nearest_right_word() {
    let world = lake();
    for (query, parts) in REFUSED {
        let why = world.refused(query);
        for part in *parts {
            assert!(why.contains(part), "{query}\n{part:?} is not in:\n{why}");
        }
    }
}

#[test]
fn a_query_that_says_nothing_shows_records_with_pointers_that_fetch_them() {
    let world = lake();
    let (csv, _) = world.ask("filter eventName = 'ConsoleLogin'", &world.options()).unwrap();
    assert!(csv.starts_with("@timestamp,@message,@ptr\n"), "{csv}");
    let pointer = csv.trim_end().rsplit(',').next().unwrap().to_owned();
    assert!(pointer.starts_with("cloudtrail:"), "{pointer}");
    let rows = world.block_on(async {
        let mut answer = world.questions.record(&pointer).await.unwrap();
        let mut rows = 0;
        while let Some(batch) = answer.next().await.unwrap() {
            rows += batch.num_rows();
        }
        rows
    });
    assert_eq!(rows, 1);
}

#[test]
fn the_chosen_table_is_said() {
    let world = lake();
    let (_, notes) = world.ask("stats count(*) by eventName", &world.options()).unwrap();
    assert!(notes.iter().any(|n| n.contains("table cloudtrail")), "{notes:?}");
    let (csv, notes) = world.ask("stats count(*)", &world.options()).unwrap();
    assert_eq!(csv, "count(*)\n18\n", "{notes:?}");
}

#[test]
fn times_beside_the_query_bound_it() {
    let world = lake();
    let since = Timestamp::parse("2026-11-20T10:06:00Z").ok();
    let until = Timestamp::parse("2026-11-21T00:00:00Z").ok();
    let options = AskOptions { since, until, ..world.options() };
    let (csv, _) = world.ask("SOURCE 'x-cloudtrail' | fields requestID", &options).unwrap();
    assert_eq!(csv, "requestID\nr4\nr3\n");
    let (csv, _) = world
        .ask("SOURCE 'x-cloudtrail' START=1763000000 END=1900000000 | stats count(*)", &options)
        .unwrap();
    assert_eq!(csv, "count(*)\n5\n");
}

#[test]
fn fillmissing_makes_the_buckets_that_are_not_there() {
    let world = lake();
    let query = "SOURCE 'x-cloudtrail' | filter eventName != 'ConsoleLogin' | stats count(*) as n by bin(2m) | fillmissing with 0 for n | sort bin(2m)";
    let told = world.ask(query, &world.options());
    if let Ok((csv, _)) = &told {
        let counts: Vec<&str> = csv.lines().skip(1).filter_map(|l| l.rsplit(',').next()).collect();
        assert_eq!(counts, ["2", "0", "0", "2"], "{csv}");
    } else {
        panic!("{told:?}");
    }
}

#[test]
fn diff_compares_two_times() {
    let world = lake();
    let since = Timestamp::parse("2025-11-20T10:00:40Z").ok();
    let until = Timestamp::parse("2025-11-20T10:01:20Z").ok();
    let options = AskOptions { since, until, ..world.options() };
    let (csv, _) = world
        .ask(
            "SOURCE '/app/shop' | filter @message like 'level' or @message like 'method' | diff",
            &options,
        )
        .unwrap();
    assert!(
        csv.starts_with(
            "@pattern,@sampleCount,@previousSampleCount,@differenceCount,@severityLabel\n"
        ),
        "{csv}"
    );
    assert!(csv.contains(",2,0,2,WARN"), "{csv}");
    assert!(csv.contains(",0,"), "{csv}");
}

#[test]
fn lookups_add_columns_of_a_table_of_the_users_own() {
    let world = lake();
    let folder = world.folder().join("lookups");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("people.csv"), "arn,name\narn:aws:iam::111122223333:user/ana,Ana\n")
        .unwrap();
    std::fs::write(folder.join("nets.csv"), "net,zone\n10.0.0.0/8,inside\n10.0.1.200/32,server\n")
        .unwrap();
    let query = "SOURCE 'x-cloudtrail' | lookup people arn as userIdentity.arn OUTPUT name | stats count(*) as n by name";
    assert_eq!(world.csv(query), "name,n\n,3\nAna,2\n");
    let query = "SOURCE '/aws/vpc/flow' | cidrlookup nets dstAddr as net OUTPUT zone | stats count(*) as n by zone";
    assert_eq!(world.csv(query), "zone,n\n,2\nserver,3\n");
    let query = "SELECT p.name, count(*) AS n FROM cloudtrail c JOIN lookup_people p ON p.arn = c.userIdentity.arn GROUP BY 1";
    assert_eq!(world.sql(query), "name,n\nAna,2\n");
    assert_eq!(world.sql(query), "name,n\nAna,2\n", "a second time");
}

/// The same question in both languages.
const PAIRS: &[(&str, &str)] = &[
    (
        "SOURCE 'x-cloudtrail' | stats count(*) as n by eventName",
        "SELECT eventName, count(*) AS n FROM cloudtrail GROUP BY eventName ORDER BY eventName",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter readOnly = 0 | stats count(*) as n",
        "SELECT count(*) AS n FROM cloudtrail WHERE NOT readOnly",
    ),
    (
        "SOURCE '/aws/vpc/flow' | stats sum(bytes) as b by action",
        "SELECT action, sum(bytes) AS b FROM vpc_flow GROUP BY action ORDER BY action NULLS FIRST",
    ),
    (
        "SOURCE 'x-cloudtrail' | fields requestID, errorCode | sort @timestamp desc | limit 3",
        "SELECT requestID, errorCode FROM cloudtrail ORDER BY event_time DESC LIMIT 3",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter ispresent(errorCode) | fields requestID | sort requestID",
        "SELECT requestID FROM cloudtrail WHERE errorCode IS NOT NULL ORDER BY requestID",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter errorCode in ['AccessDenied', 'UnauthorizedOperation'] | stats count(*) as n by userIdentity.arn as who",
        "SELECT userIdentity.arn AS who, count(*) AS n FROM cloudtrail WHERE errorCode IN ('AccessDenied', 'UnauthorizedOperation') GROUP BY 1 ORDER BY 1",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter eventName like 'Object' | fields requestID | sort requestID desc",
        "SELECT requestID FROM cloudtrail WHERE eventName LIKE '%Object%' ORDER BY requestID DESC",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter eventName like /^(Run|Get)/ | fields requestID | sort requestID",
        "SELECT requestID FROM cloudtrail WHERE eventName ~ '^(Run|Get)' ORDER BY requestID",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter requestParameters.bucketName = 'payroll' | fields requestID | sort requestID",
        "SELECT requestID FROM cloudtrail WHERE json_path(requestParameters, 'bucketName') = 'payroll' ORDER BY requestID",
    ),
    (
        "SOURCE 'x-cloudtrail' | stats count_distinct(awsRegion) as n by userIdentity.type as kind",
        "SELECT userIdentity.type AS kind, count(DISTINCT awsRegion) AS n FROM cloudtrail GROUP BY 1 ORDER BY 1",
    ),
    (
        "SOURCE 'x-cloudtrail' | stats count(*) as n by bin(1h) as hour | sort hour",
        "SELECT date_trunc('hour', event_time) AS hour, count(*) AS n FROM cloudtrail GROUP BY 1 ORDER BY 1",
    ),
    (
        "SOURCE 'x-cloudtrail' | stats min(@timestamp) as first, max(@timestamp) as last by eventSource",
        "SELECT eventSource, min(event_time) AS first, max(event_time) AS last FROM cloudtrail GROUP BY 1 ORDER BY 1",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter @timestamp >= '2026-11-21T00:00:00Z' | fields requestID",
        "SELECT requestID FROM cloudtrail WHERE event_time >= TIMESTAMP '2026-11-21T00:00:00Z'",
    ),
    (
        "SOURCE 'x-cloudtrail' | stats count(*) as n by eventName | filter n > 1",
        "SELECT eventName, count(*) AS n FROM cloudtrail GROUP BY 1 HAVING count(*) > 1",
    ),
    (
        "SOURCE '/aws/vpc/flow' | filter dstPort in [22, 3389] and protocol = 6 | fields srcAddr, dstPort | sort dstPort",
        "SELECT srcaddr AS \"srcAddr\", dstport AS \"dstPort\" FROM vpc_flow WHERE dstport IN (22, 3389) AND protocol = 6 ORDER BY dstport",
    ),
    (
        "SOURCE '/aws/vpc/flow' | filter bytes > 50 or packets >= 10 | stats count(*) as n, avg(bytes) as mean",
        "SELECT count(*) AS n, avg(bytes) AS mean FROM vpc_flow WHERE bytes > 50 OR packets >= 10",
    ),
    (
        "SOURCE '/aws/vpc/flow' | filter isIpInSubnet(srcAddr, '198.51.100.0/24') | stats sum(packets) as p",
        "SELECT sum(packets) AS p FROM vpc_flow WHERE ip_in_subnet(srcaddr, '198.51.100.0/24')",
    ),
    (
        "SOURCE '/aws/vpc/flow' | fields bytes / 4 as quarter | filter ispresent(quarter) | sort quarter",
        "SELECT bytes / 4.0 AS quarter FROM vpc_flow WHERE bytes IS NOT NULL ORDER BY 1",
    ),
    (
        "SOURCE '/aws/lambda/pay' | filter @type = 'REPORT' | stats max(@duration) as d, sum(@billedDuration) as b",
        "SELECT max(duration_ms) AS d, sum(billed_duration_ms) AS b FROM app_log WHERE log_group = '/aws/lambda/pay' AND action = 'REPORT'",
    ),
    (
        "SOURCE '/app/shop' | filter level = 'INFO' | fields toupper(server) as s | sort s",
        "SELECT upper(json_path(raw, 'server')) AS s FROM app_log WHERE log_group = '/app/shop' AND level = 'INFO' ORDER BY s",
    ),
    (
        "SOURCE '/app/shop' | filter ispresent(ip) | dedup ip | fields ip | sort ip",
        "SELECT DISTINCT json_path(raw, 'ip') AS ip FROM app_log WHERE log_group = '/app/shop' AND json_path(raw, 'ip') IS NOT NULL ORDER BY 1",
    ),
    (
        "SOURCE 'x-cloudtrail' | filter recipientAccountId != '111122223333' | fields userIdentity.principalId as who, sourceIPAddress as ip",
        "SELECT userIdentity.principalId AS who, sourceIPAddress AS ip FROM cloudtrail WHERE recipientAccountId <> '111122223333'",
    ),
];

#[test]
fn both_languages_agree() {
    let world = lake();
    for (insights, sql) in PAIRS {
        let answer = world.csv(insights);
        assert_eq!(answer, world.sql(sql), "{insights}");
        assert!(answer.lines().count() > 1, "{insights} shows nothing");
    }
}

/// What runs, as text.
fn plan(query: &str) -> String {
    let world = lake();
    world.block_on(async {
        let answer = world.questions.ask_insights(query, &world.options()).await.unwrap();
        datafusion::physical_plan::displayable(answer.plan().as_ref()).indent(true).to_string()
    })
}

#[test]
fn a_comparison_with_a_constant_is_made_by_the_scan() {
    let plan = plan("filter eventName = 'ConsoleLogin' and errorCode = 'x' | fields requestID");
    assert!(plan.contains("predicate=") && plan.contains("pruning_predicate="), "{plan}");
    assert!(!plan.contains("insights_"), "{plan}");
    assert!(!plan.contains("raw"), "{plan}");
}

#[test]
fn a_sort_with_a_limit_keeps_its_best_rows_only() {
    let plan =
        plan("filter ispresent(eventName) | fields requestID | sort @timestamp desc | limit 3");
    assert!(plan.contains("TopK(fetch=3)"), "{plan}");
}

#[test]
fn all_records_are_counted_by_the_manifest() {
    let plan = plan("SOURCE 'x-cloudtrail' | stats count(*)");
    assert!(!plan.contains("DataSourceExec"), "{plan}");
}
