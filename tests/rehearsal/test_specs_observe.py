"""Specs of what watches over the system, on moto: what the resource's inputs become in the account."""

from __future__ import annotations

import json

import pytest

from rehearsal.problems import RehearsalError
from tests.rehearsal.test_specs import TAGS, Cloud, cloud, tags_of

__all__ = ["cloud"]

POLICY = json.dumps({"Version": "2012-10-17", "Statement": []}, separators=(",", ":"))


def topic(cloud: Cloud, name: str = "alerts") -> str:
    return cloud.make("aws:sns/topic:Topic", name, name=name).id


def test_a_topic_has_its_key_its_policy_and_its_tags(cloud: Cloud) -> None:
    made = cloud.make("aws:sns/topic:Topic", name="alerts", displayName="Alerts", kmsMasterKeyId="alias/x")
    cloud.make("aws:sns/topicPolicy:TopicPolicy", arn=made.id, policy=POLICY)
    found = cloud.ask("sns", "GetTopicAttributes", TopicArn=made.outputs["arn"])["Attributes"]
    assert (found["DisplayName"], found["KmsMasterKeyId"], found["Policy"]) == ("Alerts", "alias/x", POLICY)
    assert tags_of(cloud.ask("sns", "ListTagsForResource", ResourceArn=made.id)["Tags"]) == TAGS


def test_a_subscription_hears_its_topic(cloud: Cloud) -> None:
    arn = topic(cloud)
    made = cloud.make(
        "aws:sns/topicSubscription:TopicSubscription", topic=arn, protocol="email", endpoint="ops@example.com",
        filterPolicy='{"a": ["b"]}',
    )  # fmt: skip
    (found,) = cloud.ask("sns", "ListSubscriptionsByTopic", TopicArn=arn)["Subscriptions"]
    assert (found["SubscriptionArn"], found["Endpoint"]) == (made.outputs["arn"], "ops@example.com")


def test_a_misspelt_input_of_a_topic_is_refused(cloud: Cloud) -> None:
    with pytest.raises(RehearsalError, match="kmsMasterKeyIdd"):
        cloud.make("aws:sns/topic:Topic", name="alerts", kmsMasterKeyIdd="x")


def test_a_slack_channel_is_validated_and_its_request_checked(cloud: Cloud) -> None:
    inputs = {"configurationName": "alerts", "slackTeamId": "T1", "slackChannelId": "C1",
              "iamRoleArn": "arn:aws:iam::123456789012:role/x", "snsTopicArns": [topic(cloud)]}  # fmt: skip
    made = cloud.make("aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration", **inputs)
    assert (made.status, made.reason) == ("validated", "the emulator has no chat channels")
    assert made.outputs["chatConfigurationArn"]
    with pytest.raises(RehearsalError, match="SlackTeamId: 't 1' does not match"):
        cloud.make(
            "aws:chatbot/slackChannelConfiguration:SlackChannelConfiguration", "b", **{**inputs, "slackTeamId": "t 1"}
        )


def test_a_metric_filter_counts_what_its_group_records(cloud: Cloud) -> None:
    group = cloud.make("aws:cloudwatch/logGroup:LogGroup", name="/ecs/api").id
    cloud.make(
        "aws:cloudwatch/logMetricFilter:LogMetricFilter", name="errors", logGroupName=group,
        pattern="{ $.level = ERROR }",
        metricTransformation={"name": "errors", "namespace": "Logs", "value": "1", "defaultValue": "0"},
    )  # fmt: skip
    (found,) = cloud.ask("logs", "DescribeMetricFilters", logGroupName=group)["metricFilters"]
    assert (found["filterName"], found["filterPattern"]) == ("errors", "{ $.level = ERROR }")
    (change,) = found["metricTransformations"]
    assert (change["metricName"], change["metricNamespace"], change["defaultValue"]) == ("errors", "Logs", 0)


def test_a_saved_query_is_validated_and_a_dashboard_is_kept(cloud: Cloud) -> None:
    made = cloud.make("aws:cloudwatch/queryDefinition:QueryDefinition", name="q", queryString="fields @message")
    assert (made.status, made.reason) == ("validated", "the emulator keeps no saved queries")
    body = json.dumps({"widgets": []})
    cloud.make("aws:cloudwatch/dashboard:Dashboard", dashboardName="all", dashboardBody=body)
    assert cloud.ask("cloudwatch", "GetDashboard", DashboardName="all")["DashboardBody"] == body


def test_a_detector_gets_its_features(cloud: Cloud) -> None:
    detector = cloud.make(
        "aws:guardduty/detector:Detector", enable=True, findingPublishingFrequency="FIFTEEN_MINUTES"
    ).id
    feature = {"detectorId": detector, "name": "S3_DATA_EVENTS", "status": "ENABLED"}
    cloud.make("aws:guardduty/detectorFeature:DetectorFeature", **feature)
    found = cloud.ask("guardduty", "GetDetector", DetectorId=detector)
    assert (found["Status"], found["FindingPublishingFrequency"]) == ("ENABLED", "FIFTEEN_MINUTES")
    assert "S3_DATA_EVENTS" in {text for one in found["Features"] for text in one.values()}
    with pytest.raises(RehearsalError, match="S4_DATA_EVENTS"):
        cloud.make("aws:guardduty/detectorFeature:DetectorFeature", "b", **{**feature, "name": "S4_DATA_EVENTS"})


def test_a_recorder_starts_once_it_has_a_channel_and_not_before(cloud: Cloud) -> None:
    role = cloud.make("aws:iam/serviceLinkedRole:ServiceLinkedRole", awsServiceName="config.amazonaws.com")
    # AWS capitalizes the service, moto does not.
    assert role.outputs["name"].lower() == "awsserviceroleforconfig"
    recorder = cloud.make(
        "aws:cfg/recorder:Recorder", name="main", roleArn=role.outputs["arn"],
        recordingGroup={"allSupported": True, "includeGlobalResourceTypes": True},
    ).id  # fmt: skip
    status = ("aws:cfg/recorderStatus:RecorderStatus", "status")
    with pytest.raises(RehearsalError, match="NoAvailableDeliveryChannel"):
        cloud.make(*status, name=recorder, isEnabled=True)
    cloud.make(
        "aws:cfg/deliveryChannel:DeliveryChannel", name="main", s3BucketName=cloud.bucket(), s3KeyPrefix="config"
    )
    cloud.make(*status, name=recorder, isEnabled=True)
    (found,) = cloud.ask("config", "DescribeConfigurationRecorderStatus")["ConfigurationRecordersStatus"]
    assert found["recording"] is True
    rule = {"owner": "AWS", "sourceIdentifier": "S3_BUCKET_SSL_REQUESTS_ONLY"}
    cloud.make("aws:cfg/rule:Rule", name="tls", source=rule)
    (found,) = cloud.ask("config", "DescribeConfigRules")["ConfigRules"]
    assert (found["ConfigRuleName"], found["Source"]["SourceIdentifier"]) == ("tls", "S3_BUCKET_SSL_REQUESTS_ONLY")
    with pytest.raises(RehearsalError, match="S3_BUCKET_SLL"):
        cloud.make("aws:cfg/rule:Rule", "b", name="b", source={**rule, "sourceIdentifier": "S3_BUCKET_SLL"})


def test_a_trail_records_from_the_start(cloud: Cloud) -> None:
    made = cloud.make(
        "aws:cloudtrail/trail:Trail", name="audit", s3BucketName=cloud.bucket(), isMultiRegionTrail=True,
        includeGlobalServiceEvents=True, enableLogFileValidation=True, enableLogging=True,
    )  # fmt: skip
    assert cloud.ask("cloudtrail", "GetTrailStatus", Name="audit")["IsLogging"] is True
    found = cloud.ask("cloudtrail", "GetTrail", Name="audit")["Trail"]
    assert (found["TrailARN"], found["IsMultiRegionTrail"], found["LogFileValidationEnabled"]) == (made.id, True, True)


def test_an_analyzer_is_validated_and_its_request_checked(cloud: Cloud) -> None:
    made = cloud.make("aws:accessanalyzer/analyzer:Analyzer", analyzerName="outside", type="ACCOUNT")
    assert (made.status, made.reason) == ("validated", "the emulator has no Access Analyzer")
    with pytest.raises(RehearsalError, match="'GALAXY' is not allowed"):
        cloud.make("aws:accessanalyzer/analyzer:Analyzer", "b", analyzerName="b", type="GALAXY")


def test_a_table_has_its_columns_its_folders_and_its_format(cloud: Cloud) -> None:
    cloud.make("aws:glue/catalogDatabase:CatalogDatabase", name="logs", description="x")
    made = cloud.make(
        "aws:glue/catalogTable:CatalogTable", name="app_logs", databaseName="logs", tableType="EXTERNAL_TABLE",
        parameters={"projection.enabled": "true"}, partitionKeys=[{"name": "year", "type": "string"}],
        storageDescriptor={"columns": [{"name": "time", "type": "string"}], "location": "s3://logs/",
                           "serDeInfo": {"serializationLibrary": "org.openx.data.jsonserde.JsonSerDe"}},
    )  # fmt: skip
    assert made.id == "123456789012:logs:app_logs"
    found = cloud.ask("glue", "GetTable", DatabaseName="logs", Name="app_logs")["Table"]
    assert found["Parameters"] == {"projection.enabled": "true"}
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("JsonSerDe")
    with pytest.raises(RehearsalError, match="colums"):
        cloud.make(
            "aws:glue/catalogTable:CatalogTable", "b", name="b", databaseName="logs", storageDescriptor={"colums": []}
        )


def test_a_workgroup_keeps_its_limit_and_its_queries_and_no_limit_below_athenas(cloud: Cloud) -> None:
    kind = "aws:athena/workgroup:Workgroup"
    configuration = {
        "enforceWorkgroupConfiguration": True, "bytesScannedCutoffPerQuery": 10_485_760,
        "resultConfiguration": {"outputLocation": "s3://results/", "encryptionConfiguration": {
            "encryptionOption": "SSE_KMS", "kmsKeyArn": "arn:aws:kms:::key/1"}},
    }  # fmt: skip
    cloud.make(kind, name="logs", configuration=configuration)
    found = cloud.ask("athena", "GetWorkGroup", WorkGroup="logs")["WorkGroup"]["Configuration"]
    assert found["BytesScannedCutoffPerQuery"] == 10_485_760
    assert found["ResultConfiguration"]["EncryptionConfiguration"]["KmsKey"] == "arn:aws:kms:::key/1"
    query = cloud.make("aws:athena/namedQuery:NamedQuery", name="all", database="d", workgroup="logs", query="SELECT 1")
    assert cloud.ask("athena", "GetNamedQuery", NamedQueryId=query.id)["NamedQuery"]["QueryString"] == "SELECT 1"
    with pytest.raises(RehearsalError, match="10485759 is less than Athena accepts"):
        cloud.make(kind, "b", name="b", configuration={**configuration, "bytesScannedCutoffPerQuery": 10_485_759})
