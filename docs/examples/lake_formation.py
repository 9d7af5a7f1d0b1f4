"""Lake Formation in charge of a zone: for an account of which the lake is the purpose."""

from components.analytics.lake_formation import LakeFormation, LakeFormationArgs
from components.data.bucket import Bucket, BucketArgs

curated = Bucket("chat-dev-lake-curated", BucketArgs())
args = LakeFormationArgs(administrators=["arn:aws:iam::123456789012:role/deployer"])
LakeFormation("chat-dev-lake-formation", args, zones={"curated": curated})
