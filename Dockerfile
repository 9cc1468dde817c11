# The image of ciobridge: one static binary on a base without a shell, run by a user without rights.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=""
ENV CGO_ENABLED=0
RUN go build -trimpath -ldflags "-s -w -X main.version=$VERSION" -o /out/ciobridge ./cmd/ciobridge \
 && go build -trimpath -ldflags "-s -w" -o /out/shop ./deploy/compose/shop

# The sample shop of docker-compose.yml, no part of the product.
FROM gcr.io/distroless/static-debian12:nonroot AS shop
COPY --from=build /out/shop /usr/local/bin/shop
ENTRYPOINT ["/usr/local/bin/shop"]

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/ciobridge /usr/local/bin/ciobridge
WORKDIR /etc/ciobridge
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/ciobridge"]
CMD ["run", "--config", "/etc/ciobridge/ciobridge.yaml"]
