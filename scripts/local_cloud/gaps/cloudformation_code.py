"""Gap: a stack makes a function whose code is not in S3, and the function cannot run; AWS refuses the stack.

docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html
"""

from collections.abc import Mapping
from typing import Any

from scripts.local_cloud.gaps import Context
from scripts.local_cloud.seams import function_at, value_at

TYPE = "AWS::Lambda::Function"


def install(context: Context) -> None:
    from ministack.services import lambda_svc
    from ministack.services.cloudformation import provisioners

    handlers = value_at(provisioners, "_RESOURCE_HANDLERS", dict)
    create = function_at(provisioners, "_lambda_create", "logical_id", "props", "stack_name")
    fetch = function_at(lambda_svc, "_fetch_code_from_s3", "bucket", "key", "version_id")

    def create_with_code(logical_id: str, props: Mapping[str, Any], stack_name: str) -> Any:
        code = props.get("Code", {})
        where = code.get("S3Bucket"), code.get("S3Key")
        if all(where) and fetch(*where, version_id=code.get("S3ObjectVersion")) is None:
            raise ValueError(
                "Error occurred while GetObject. S3 Error Code: NoSuchKey. S3 Error Message: "
                f"The specified key does not exist: s3://{where[0]}/{where[1]}"
            )
        return create(logical_id, props, stack_name)

    provisioners._lambda_create = create_with_code
    handlers[TYPE] = {**handlers[TYPE], "create": create_with_code}
