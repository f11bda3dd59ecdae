"""The ten questions of an investigation, in SQL and in Logs Insights. The peers ask the same."""
import json

from measure import run

KEY = "AKIAGQDUKYZKAA3C5DG3"
BUCKET = "arn:aws:s3:::stratus-red-team-olc-bucket-xhfgzaowxc"
DENIED = "'AccessDenied', 'Client.UnauthorizedOperation'"
QUESTIONS = {
    "q1_count_by_event": {
        "sql": "SELECT eventName, count(*) c FROM cloudtrail GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50",
        "insights": "stats count(*) as c by eventName | sort c desc, eventName | limit 50"},
    "q2_top_denied_ip": {
        "sql": f"SELECT sourceIPAddress, count(*) c FROM cloudtrail WHERE errorCode IN ({DENIED}) "
               "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20",
        "insights": f"filter errorCode in [{DENIED}] | stats count(*) as c by sourceIPAddress "
                    "| sort c desc, sourceIPAddress | limit 20"},
    "q3_one_access_key": {
        "sql": "SELECT eventTime, eventName, eventSource, sourceIPAddress, awsRegion, errorCode, userAgent, "
               f"requestParameters FROM cloudtrail WHERE userIdentity.accessKeyId = '{KEY}' ORDER BY eventTime",
        "insights": f"filter userIdentity.accessKeyId = '{KEY}' | fields @timestamp, eventName, eventSource, "
                    "sourceIPAddress, awsRegion, errorCode, userAgent, requestParameters | sort @timestamp"},
    "q4_failed_logins_15m": {
        "sql": "SELECT date_bin(INTERVAL '15 minutes', eventTime) b, count(*) c FROM cloudtrail WHERE "
               "eventName = 'ConsoleLogin' AND errorMessage = 'Failed authentication' GROUP BY 1 ORDER BY 1",
        "insights": "filter eventName = 'ConsoleLogin' and errorMessage = 'Failed authentication' "
                    "| stats count(*) as c by bin(15m) as b | sort b"},
    "q5_regions_per_principal": {
        "sql": "SELECT userIdentity.arn, count(DISTINCT awsRegion) r, count(*) c FROM cloudtrail GROUP BY 1 "
               "ORDER BY r DESC, c DESC, 1 LIMIT 100",
        "insights": "stats count_distinct(awsRegion) as r, count(*) as c by userIdentity.arn as arn "
                    "| sort r desc, c desc, arn | limit 100"},
    "q6_substring": {
        "sql": "SELECT eventTime, eventName, userIdentity.arn, requestParameters FROM cloudtrail WHERE "
               "contains(requestParameters, 'stratus-red-team-ctlr') ORDER BY eventTime DESC LIMIT 100",
        "insights": "fields @timestamp, eventName, userIdentity.arn, requestParameters "
                    "| filter requestParameters like 'stratus-red-team-ctlr' | sort @timestamp desc | limit 100"},
    "q7_first_seen": {
        "sql": "SELECT userIdentity.arn, eventName, min(eventTime) f, count(*) c FROM cloudtrail GROUP BY 1, 2 "
               "ORDER BY f DESC, 1, 2 LIMIT 100",
        "insights": "stats min(@timestamp) as f, count(*) as c by userIdentity.arn as arn, eventName "
                    "| sort f desc, arn, eventName | limit 100"},
    "q8_join_ip_list": {
        "sql": "SELECT l.tag tag, t.sourceIPAddress ip, count(*) c FROM cloudtrail t JOIN lookup_ips l "
               "ON t.sourceIPAddress = l.ip GROUP BY 1, 2 ORDER BY c DESC, 2 LIMIT 100",
        "insights": "lookup ips ip as sourceIPAddress OUTPUT tag | filter ispresent(tag) "
                    "| stats count(*) as c by tag, sourceIPAddress | sort c desc, sourceIPAddress | limit 100"},
    "q9_p95_per_principal_hour": {
        "sql": "SELECT arn, percentile_cont(0.95) WITHIN GROUP (ORDER BY n) p95 FROM (SELECT userIdentity.arn arn, "
               "date_trunc('hour', eventTime) h, count(*) n FROM cloudtrail GROUP BY 1, 2) x "
               "GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 50",
        "insights": "stats count(*) as n by userIdentity.arn as arn, bin(1h) as h "
                    "| stats pct(n, 95) as p95 by arn | sort p95 desc, arn | limit 50"},
    "q10_last_100_of_resource": {
        "sql": f"SELECT * FROM cloudtrail WHERE contains(resources, '{BUCKET}') ORDER BY eventTime DESC LIMIT 100",
        "insights": f"filter resources like '{BUCKET}' | sort @timestamp desc | limit 100"},
}
NAMES = list(QUESTIONS)
IPS = 5000  # rows of the list that the eighth question joins with


def of(binary, home, work):
    """The questions, after the list of addresses for the eighth is laid where each engine reads it."""
    sql = "SELECT DISTINCT sourceIPAddress ip FROM cloudtrail WHERE sourceIPAddress LIKE '%.%.%.%' ORDER BY 1"
    answer = run([binary, "--home", home, "query", "--format", "jsonl", "--sql", sql]).out
    seen = [json.loads(line)["ip"] for line in answer.splitlines()][::4]
    made = [f"198.{18 + n // 65536}.{n // 256 % 256}.{n % 256}" for n in range(IPS - len(seen))]
    rows = [f"{ip},{'known' if n % 2 else 'watched'}" for n, ip in enumerate(seen + made)]
    text = "ip,tag\n" + "\n".join(rows) + "\n"
    (work / "ips.csv").write_text(text)
    lookups = home / "lookups"
    lookups.mkdir(exist_ok=True)
    (lookups / "ips.csv").write_text(text)
    return QUESTIONS
